/// What the client knows about each section's stock, to hold the server's own count against.
struct SaleLedger: Equatable {
    struct Section: Equatable {
        var reserved = 0
        var confirmed = 0
        var released = 0
        /// Calls that may or may not have taken effect: their connection broke.
        var reservesUnknown = 0
        var confirmsUnknown = 0
        var releasesUnknown = 0
    }

    private(set) var sections: [Section]

    init(sectionCount: Int) {
        sections = Array(repeating: Section(), count: sectionCount)
    }

    @inline(__always)
    mutating func succeeded(_ call: SaleScenario.Call, section: Int) {
        switch call {
        case .reserve: sections[section].reserved += 1
        case .confirm: sections[section].confirmed += 1
        case .release: sections[section].released += 1
        case .availability, .event, .priceLock, .extend: break
        }
    }

    mutating func lost(_ call: SaleScenario.Call, section: Int) {
        switch call {
        case .reserve: sections[section].reservesUnknown += 1
        case .confirm: sections[section].confirmsUnknown += 1
        case .release: sections[section].releasesUnknown += 1
        case .availability, .event, .priceLock, .extend: break
        }
    }
}
