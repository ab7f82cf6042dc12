/// The request templates of one sale: one reserve and two looks per section, one of each other call.
struct SaleTemplates {
    /// More time that a buyer asks for.
    static let extendSeconds = 60

    let reserve: [RequestTemplate]
    /// One section's stock.
    let availability: [RequestTemplate]
    /// The event of each section.
    let event: [RequestTemplate]
    let priceLock: RequestTemplate
    let extend: RequestTemplate
    let confirm: RequestTemplate
    let release: RequestTemplate

    init(sections: [SaleSetup.Section], endpoint: Endpoint, runPrefix: String) {
        func post(_ path: String, _ body: String) -> RequestTemplate {
            RequestTemplate(method: "POST", path: path, body: body, endpoint: endpoint, runPrefix: runPrefix)
        }
        reserve = sections.map {
            Self.reserve(section: $0.id, pricing: $0.pricing, endpoint: endpoint, runPrefix: runPrefix)
        }
        availability = sections.map { .get("/api/v1/capacity/\($0.id)", endpoint: endpoint) }
        event = sections.map { .get("/api/v1/events/\($0.event)", endpoint: endpoint) }
        priceLock = post("/api/v1/reservations/*/price-lock", "{}")
        extend = post("/api/v1/reservations/*/extend", #"{"seconds":\#(Self.extendSeconds)}"#)
        confirm = post(
            "/api/v1/reservations/*/confirm",
            #"{"payment_reference":"pay-\#(RequestTemplate.counterMark)"}"#
        )
        release = post("/api/v1/reservations/*/release", "{}")
    }

    /// One ticket for a customer who was never seen before.
    static func reserve(section: String, pricing: String, endpoint: Endpoint, runPrefix: String) -> RequestTemplate {
        RequestTemplate(
            method: "POST",
            path: "/api/v1/capacity/\(section)/reserve",
            body: reserveBody(pricing: pricing),
            endpoint: endpoint,
            runPrefix: runPrefix
        )
    }

    static func reserveBody(pricing: String) -> String {
        #"{"quantity":1,"customer_id":"c-\#(RequestTemplate.counterMark)","pricing_id":"\#(pricing)"}"#
    }
}
