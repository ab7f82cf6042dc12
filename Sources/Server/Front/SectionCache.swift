import Engine

/// Sections found before: they are never deleted, so what was found stays true. Bounded; at the limit it starts anew.
struct SectionCache: SectionLookup {
    private struct Key: Hashable {
        let tenant: ShortText
        let section: ShortText
    }

    private static let entriesMax = 100_000

    private let directory: SectionDirectory
    private var found: [Key: (EventKey, SectionNumber)] = [:]

    init(_ directory: SectionDirectory) { self.directory = directory }

    mutating func find(tenant: ShortText, section: ShortText) -> (EventKey, SectionNumber)? {
        let key = Key(tenant: tenant, section: section)
        if let known = found[key] { return known }
        guard let place = directory.find(tenant: tenant, section: section) else { return nil }
        if found.count >= Self.entriesMax { found.removeAll() }
        found[key] = place
        return place
    }
}
