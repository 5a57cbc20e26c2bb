{{ config(
    materialized='incremental',
    unique_key='order_id',
    partition_by={'field': 'placed_on', 'data_type': 'date'},
    cluster_by=['customer'],
    on_schema_change='append_new_columns'
) }}
select order_id, customer, status, amount, placed_at, placed_on
{%- if var('with_source', false) %}, 'web' as source{% endif %}
from {{ ref('stg_orders') }}
{% if is_incremental() %}
where placed_at >= (select max(placed_at) from {{ this }})
{% endif %}
