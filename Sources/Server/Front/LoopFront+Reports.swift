import Engine

// Reports. A question to all events of a tenant takes many turns of every shard, so only a few are asked at a time.

extension LoopFront {
    /// Reports over all events of a tenant that one loop has under way; one more is told 503.
    static let tenantReportsMax = 4

    func report(_ request: ReportRequest, _ connection: Connection, _ sequence: UInt32) {
        let isOfTenant = request.question.isOfTenant
        guard !isOfTenant || tenantReports < Self.tenantReportsMax else {
            return answerNow(connection, sequence) { $0.write(.tooManyReports, request.reply) }
        }
        let hasBegun = answerLater(connection, sequence) { [engine, loop] in
            let answer = await Self.answer(request, engine)
            if isOfTenant { loop.execute { self.tenantReports -= 1 } }
            return answer
        }
        // What is made ends on this loop, not before this turn has.
        if isOfTenant && hasBegun { tenantReports += 1 }
    }

    private static func answer(_ request: ReportRequest, _ engine: Engine) async -> LateAnswer {
        let report: Report
        do throws(EngineError) {
            report = try await Report(request, engine)
        } catch {
            let problem = Problem(error)
            return LateAnswer { $0.write(problem, request.reply) }
        }
        let generatedAt = engine.clock.now()
        let refuse: LateAnswer.Write = { $0.write(.tooManyBatches, request.reply) }
        return LateAnswer(bytes: report.byteCount, else: refuse) { $0.write(report, of: request, at: generatedAt) }
    }
}

/// What a report shows.
enum Report: Sendable {
    case eventSales(EventSales)
    case tenantSales(TenantSales)
    case venues(VenuesSales)
    case venue(ShortText, VenueSales)
    case dashboard(Dashboard)
    case analytics(EventSales)
    case topCustomers(EventView, [TopCustomer])
    case customer(ShortText, CustomerInsight)

    fileprivate init(_ request: ReportRequest, _ engine: Engine) async throws(EngineError) {
        let (tenant, days) = (request.tenant, request.days)
        switch request.question {
        case .sales(let event?, let page):
            let (start, limit) = (Int(page.start), Int(page.limit))
            self = .eventSales(
                try await engine.sales(of: event, tenant: tenant, days: days, start: start, limit: limit)
            )
        case .sales(nil, _): self = .tenantSales(try await engine.sales(of: tenant, days: days))
        case .venues(let after, _):
            self = .venues(try await engine.salesByVenue(of: tenant, after: after, days: days))
        case .venue(let venue):
            self = .venue(venue, try await engine.sales(atVenue: venue, tenant: tenant, days: days))
        case .dashboard: self = .dashboard(try await engine.dashboard(of: tenant))
        case .analytics(let event, let page):
            let (start, limit) = (Int(page.start), Int(page.limit))
            self = .analytics(try await engine.sales(of: event, tenant: tenant, start: start, limit: limit))
        case .topCustomers(let event, let limit):
            let found = try await engine.topCustomers(of: event, tenant: tenant, limit: Int(limit))
            self = .topCustomers(found.event, found.customers)
        case .customer(let customer, let event):
            self = .customer(customer, try await engine.insight(into: customer, tenant: tenant, event: event))
        }
    }

    /// About what it takes as JSON.
    fileprivate var byteCount: Int {
        let rows =
            switch self {
            case .eventSales(let sales), .analytics(let sales):
                sales.days.count + sales.hours.count + 3 * (sales.sections.count + sales.tiers.count)
            case .tenantSales(let sales): sales.currencies.values.reduce(0) { $0 + 1 + $1.days.count }
            case .venues(let sales): 2 * sales.venues.count
            case .venue(_, let sales): sales.currencies.values.reduce(0) { $0 + 1 + $1.days.count }
            case .dashboard(let dashboard): 2 * dashboard.revenue.count + 10
            case .topCustomers(_, let customers): customers.count
            case .customer(_, let insight): insight.currencies.count
            }
        return 1_024 + rows * 512
    }
}

extension Problem {
    fileprivate init(_ error: EngineError) {
        switch error {
        case .rejected(let rejection): self = Problem(rejection, of: NoEvent())
        case .unavailable(let reason): self = .unavailable(reason)
        case .outcomeUnknown: self = .unavailable(.closed)
        }
    }
}
