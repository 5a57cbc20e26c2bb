CREATE TABLE IF NOT EXISTS `dev_events_dataset.inventory` (
  event_type STRING NOT NULL OPTIONS (description = "Always `inventory`."),
  inventory_id STRING NOT NULL OPTIONS (description = "This move of stock."),
  product_id STRING NOT NULL OPTIONS (description = "Joins with orders.items.product_id."),
  warehouse_id STRING NOT NULL OPTIONS (description = "Where the stock is."),
  quantity_change INT64 NOT NULL OPTIONS (description = "Units that came (above 0) or went (below 0), -100 to 100."),
  reason STRING NOT NULL OPTIONS (description = "restock, sale, return or damage."),
  timestamp TIMESTAMP NOT NULL OPTIONS (description = "The event's own time: when the stock moved."),
  event_id STRING NOT NULL OPTIONS (description = "The publisher's attribute `event_id`, else the Pub/Sub message id. Repeats on redelivery."),
  publish_time TIMESTAMP NOT NULL OPTIONS (description = "When Pub/Sub took the message."),
  processed_timestamp TIMESTAMP NOT NULL OPTIONS (description = "When the pipeline turned the message into this row."),
  event_date DATE NOT NULL OPTIONS (description = "Day of the event's own time, in UTC. The partition.")
)
PARTITION BY event_date
CLUSTER BY product_id, warehouse_id
OPTIONS (description = "Moves of stock, one row for each change of a product's stock in a warehouse.");

CREATE VIEW IF NOT EXISTS `dev_events_dataset.inventory_deduplicated` AS
SELECT * FROM `dev_events_dataset.inventory` WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY processed_timestamp DESC) = 1;
