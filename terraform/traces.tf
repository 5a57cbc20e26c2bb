# Spans of single events (docs/traces.md): none, unless there is somewhere for them to go.
locals {
  # As OpenTelemetry names them. A publisher decides which events are traced; the others follow it.
  traces = var.otlp_endpoint == null ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT = var.otlp_endpoint }
  sampling = var.otlp_endpoint == null ? {} : {
    OTEL_TRACES_SAMPLER     = "parentbased_traceidratio"
    OTEL_TRACES_SAMPLER_ARG = tostring(var.trace_ratio)
  }
  # Google's own receiver, which wants to know who sends; a collector is reached by the network alone.
  cloud_trace = var.otlp_endpoint == "https://telemetry.googleapis.com"
}
