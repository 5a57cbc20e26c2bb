{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'placed_on', 'data_type': 'date'}
) }}
select placed_on, count(*) as orders, sum(amount) as amount
from {{ ref('stg_orders') }}
group by placed_on
