{{ config(materialized='table', labels={'team': 'shop'}) }}
select
    customer,
    count(*) as orders,
    sum(amount) as amount,
    array_agg(struct(order_id, status) order by order_id) as history
from {{ ref('orders') }}
group by customer
