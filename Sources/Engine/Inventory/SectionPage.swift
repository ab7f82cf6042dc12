/// Which sections of an event are asked for, and which page of them. They come in the order of their creation.
public struct SectionFilter: Equatable, Sendable {
    /// Sections that one page looks at: with a filter a page may end before it is full, and says where the next begins.
    public static let lookedAtMax = 1_000

    /// The id of a date; empty for all.
    public var schedule = ShortText.empty
    public var isActive: Bool?
    /// The first section to look at.
    public var start: SectionNumber = 0
    public var limit: UInt32

    public init(limit: UInt32) { self.limit = limit }
}

/// One page of an event's sections.
public struct SectionPage: Equatable, Sendable {
    public var views: [SectionView]
    /// Where the next page begins; nil behind the last one.
    public var next: SectionNumber?
    /// What was asked for.
    public var filter: SectionFilter

    package init(views: [SectionView], next: SectionNumber?, filter: SectionFilter) {
        self.views = views
        self.next = next
        self.filter = filter
    }
}

extension EventInventory {
    /// Costs what it shows, or with a filter `SectionFilter.lookedAtMax` looks.
    func sectionPage(_ filter: SectionFilter) -> SectionPage {
        var page = SectionPage(views: [], next: nil, filter: filter)
        let schedule = scheduleNumber(id: filter.schedule)
        if !filter.schedule.isEmpty, schedule == nil { return page }
        let first = min(Int(filter.start), sections.count)
        for index in first..<sections.count {
            guard page.views.count < Int(filter.limit), index - first < SectionFilter.lookedAtMax else {
                page.next = SectionNumber(index)
                break
            }
            if !filter.schedule.isEmpty, sections[index].details.schedule != schedule { continue }
            if let isActive = filter.isActive, sections[index].details.isActive != isActive { continue }
            page.views.append(sectionView(SectionNumber(index)))
        }
        return page
    }
}

extension Query {
    /// Whether it is about a tenant's own inventory.
    var isOfTenant: Bool {
        switch self {
        case .venue, .venues: true
        default: false
        }
    }
}
