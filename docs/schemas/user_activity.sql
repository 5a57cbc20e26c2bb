CREATE TABLE IF NOT EXISTS `dev_events_dataset.user_activity` (
  event_type STRING NOT NULL OPTIONS (description = "Always `user_activity`."),
  user_id STRING NOT NULL OPTIONS (description = "Who. `user-017` is `customer-017` in orders."),
  activity_type STRING NOT NULL OPTIONS (description = "login, logout, view_product, add_to_cart or remove_from_cart."),
  ip_address STRING NOT NULL OPTIONS (description = "Where the request came from."),
  user_agent STRING NOT NULL OPTIONS (description = "What the browser or app called itself."),
  timestamp TIMESTAMP NOT NULL OPTIONS (description = "The event's own time: when the user acted."),
  metadata STRUCT<
    session_id STRING NOT NULL OPTIONS (description = "One visit of one user."),
    platform STRING NOT NULL OPTIONS (description = "web, mobile or tablet.")
  > NOT NULL OPTIONS (description = "The session around the activity."),
  event_id STRING NOT NULL OPTIONS (description = "The publisher's attribute `event_id`, else the Pub/Sub message id. Repeats on redelivery."),
  publish_time TIMESTAMP NOT NULL OPTIONS (description = "When Pub/Sub took the message."),
  processed_timestamp TIMESTAMP NOT NULL OPTIONS (description = "When the pipeline turned the message into this row."),
  event_date DATE NOT NULL OPTIONS (description = "Day of the event's own time, in UTC. The partition.")
)
PARTITION BY event_date
CLUSTER BY user_id, activity_type
OPTIONS (description = "What users did on the site and in the apps, one row for each act.");

CREATE VIEW IF NOT EXISTS `dev_events_dataset.user_activity_deduplicated` AS
SELECT * FROM `dev_events_dataset.user_activity` WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY processed_timestamp DESC) = 1;
