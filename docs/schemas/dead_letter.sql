CREATE TABLE IF NOT EXISTS `dev_events_dataset.dead_letter_events` (
  event_id STRING NOT NULL OPTIONS (description = "The publisher's attribute `event_id`, else the Pub/Sub message id."),
  reason STRING NOT NULL OPTIONS (description = "The class of failure; see docs/data-model.md."),
  detail STRING NOT NULL OPTIONS (description = "What was wrong, with the field and the value."),
  payload STRING NOT NULL OPTIONS (description = "The message's data; see payload_encoding. Cut in the table where payload_truncated."),
  payload_encoding STRING NOT NULL OPTIONS (description = "utf-8 if the data is text, else base64."),
  payload_bytes INT64 NOT NULL OPTIONS (description = "Size of the data as it was published, in bytes."),
  payload_truncated BOOL NOT NULL OPTIONS (description = "Whether the payload was cut to fit the table; the file always holds the whole."),
  attributes ARRAY<STRUCT<
    key STRING NOT NULL OPTIONS (description = "The attribute's name."),
    value STRING NOT NULL OPTIONS (description = "The attribute's value.")
  >> OPTIONS (description = "The message's attributes."),
  publish_time TIMESTAMP NOT NULL OPTIONS (description = "When Pub/Sub took the message. The partition, by day."),
  failed_at TIMESTAMP NOT NULL OPTIONS (description = "When the pipeline gave it up.")
)
PARTITION BY DATE(publish_time)
CLUSTER BY reason
OPTIONS (description = "Messages that could not be stored as events, each as it came, with the reason.");
