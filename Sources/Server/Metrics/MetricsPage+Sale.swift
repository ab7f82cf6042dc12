import Engine

extension MetricsText {
    mutating func writeSale(_ shards: ShardStatistics) {
        let counters = shards.counters
        counter("holdfast_commands_total", "Commands received by the shards.", MetricValue(counters.commands))
        counter(
            "holdfast_rejections_total",
            "Commands refused by the rules of the sale.",
            MetricValue(counters.rejections)
        )
        counter("holdfast_idempotent_replays_total", "Retries answered from memory.", MetricValue(counters.replays))
        counter(
            "holdfast_busy_total",
            "Commands refused because the log was saturated.",
            MetricValue(counters.refusedBusy)
        )
        counter("holdfast_reservations_created_total", "Reservations made.", MetricValue(counters.placed))
        counter(
            "holdfast_reservations_confirmed_total",
            "Reservations that became orders.",
            MetricValue(counters.confirmed)
        )
        counter(
            "holdfast_reservations_released_total",
            "Reservations given up, or ended with their event.",
            MetricValue(counters.released)
        )
        counter(
            "holdfast_reservations_expired_total",
            "Reservations that ended at their deadline.",
            MetricValue(counters.expired)
        )
        counter("holdfast_tickets_sold_total", "Tickets of confirmed orders.", MetricValue(counters.ticketsSold))
        counter("holdfast_tickets_refunded_total", "Tickets refunded.", MetricValue(counters.ticketsRefunded))
        counter("holdfast_tickets_scanned_total", "Tickets let in, each once.", MetricValue(counters.ticketsScanned))
        gauge(
            "holdfast_reservations_open",
            "Reservations that are neither confirmed nor ended.",
            MetricValue(shards.openHolds)
        )
        gauge("holdfast_events", "Events in memory.", MetricValue(shards.events))
        gauge(
            "holdfast_hold_slots",
            "Live, sold and recently ended reservations in memory.",
            MetricValue(shards.holdSlots)
        )
        gauge("holdfast_idempotency_keys", "Answers kept for retries.", MetricValue(shards.idempotencyKeys))
    }

    mutating func writeStock(_ sample: MetricsSample) {
        gauges(
            "holdfast_places",
            "Places of all events, whatever their status: available, reserved, sold, or set aside.",
            Self.parts(sample.shards.stock).map { (["state": $0.state], MetricValue($0.places)) }
        )
        gauge(
            "holdfast_events_shown",
            "Events whose places are shown one by one: all, or none where there are more than --metrics-events-max.",
            MetricValue(sample.events?.count ?? 0)
        )
        guard let events = sample.events, !events.isEmpty else { return }
        gauges(
            "holdfast_event_places",
            "Places of single events.",
            events.flatMap { event in
                Self.parts(event.stock).map { part in
                    (
                        ["tenant": "\(event.tenant)", "event": "\(event.event)", "state": part.state],
                        MetricValue(part.places)
                    )
                }
            }
        )
    }

    private static func parts(_ stock: StockSums) -> [(state: String, places: UInt64)] {
        [("available", stock.available), ("reserved", stock.reserved), ("sold", stock.sold), ("buffer", stock.buffer)]
    }
}
