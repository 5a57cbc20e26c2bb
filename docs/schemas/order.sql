CREATE TABLE IF NOT EXISTS `dev_events_dataset.orders` (
  event_type STRING NOT NULL OPTIONS (description = "Always `order`."),
  order_id STRING NOT NULL OPTIONS (description = "The order; several events may speak of one."),
  customer_id STRING NOT NULL OPTIONS (description = "Who ordered. `customer-017` is `user-017` in user_activity."),
  order_date TIMESTAMP NOT NULL OPTIONS (description = "The event's own time: when the order was placed."),
  status STRING NOT NULL OPTIONS (description = "pending, processing, shipped or delivered."),
  items ARRAY<STRUCT<
    product_id STRING NOT NULL OPTIONS (description = "Joins with inventory.product_id."),
    product_name STRING NOT NULL OPTIONS (description = "The product's name when it was ordered."),
    quantity INT64 NOT NULL OPTIONS (description = "How many."),
    price FLOAT64 NOT NULL OPTIONS (description = "Price of one, in US dollars.")
  >> OPTIONS (description = "What was ordered."),
  shipping_address STRUCT<
    street STRING NOT NULL OPTIONS (description = "House and street."),
    city STRING NOT NULL OPTIONS (description = "Town or city."),
    country STRING NOT NULL OPTIONS (description = "ISO 3166-1 alpha-2 country code.")
  > NOT NULL OPTIONS (description = "Where it goes."),
  total_amount FLOAT64 NOT NULL OPTIONS (description = "Sum of quantity times price, in US dollars."),
  event_id STRING NOT NULL OPTIONS (description = "The publisher's attribute `event_id`, else the Pub/Sub message id. Repeats on redelivery."),
  publish_time TIMESTAMP NOT NULL OPTIONS (description = "When Pub/Sub took the message."),
  processed_timestamp TIMESTAMP NOT NULL OPTIONS (description = "When the pipeline turned the message into this row."),
  event_date DATE NOT NULL OPTIONS (description = "Day of the event's own time, in UTC. The partition.")
)
PARTITION BY event_date
CLUSTER BY customer_id, status
OPTIONS (description = "Orders, one row for each change of an order's status.");

CREATE VIEW IF NOT EXISTS `dev_events_dataset.orders_deduplicated` AS
SELECT * FROM `dev_events_dataset.orders` WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY processed_timestamp DESC) = 1;
