import Engine

extension Problem {
    /// A refusal that an earlier build has kept, as that build told it: without the numbers that came since, and in its words.
    init(_ refusal: Rejection.Earlier, of event: some EventConstants) {
        self.init(refusal.today, of: event)
        numbers = ProblemNumbers()
        switch refusal {
        case .sectionInactive(let number):
            detail = "Capacity \(event.sectionID(number)) is not for sale at the moment."
        case .tierInactive(let tier): detail = "Pricing \(tier: tier, of: event.key) is not for sale at the moment."
        case .eventHasSales, .soldOut, .amountMismatch, .cancelledWithSales, .overVenueMaximum, .scheduleEnded: break
        }
    }
}
