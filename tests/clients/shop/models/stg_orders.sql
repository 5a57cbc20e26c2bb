select
    id as order_id,
    customer,
    status,
    cast(amount as numeric) as amount,
    placed_at,
    date(placed_at) as placed_on
from {{ ref('raw_orders') }}
