/// The request templates of one sale: one reserve per section, one of each other call.
struct SaleTemplates {
    let reserve: [RequestTemplate]
    let priceLock: RequestTemplate
    let confirm: RequestTemplate
    let release: RequestTemplate

    init(sections: [(id: String, pricing: String)], endpoint: Endpoint, runPrefix: String) {
        func template(_ path: String, _ body: String) -> RequestTemplate {
            RequestTemplate(method: "POST", path: path, body: body, endpoint: endpoint, runPrefix: runPrefix)
        }
        reserve = sections.map { section in
            Self.reserve(section: section.id, pricing: section.pricing, endpoint: endpoint, runPrefix: runPrefix)
        }
        priceLock = template("/api/v1/reservations/*/price-lock", "{}")
        confirm = template(
            "/api/v1/reservations/*/confirm",
            #"{"payment_reference":"pay-\#(RequestTemplate.counterMark)"}"#
        )
        release = template("/api/v1/reservations/*/release", "{}")
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
