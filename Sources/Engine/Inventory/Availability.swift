/// A section's stock at one moment, under the section's id: what somebody who watches an event is told.
public struct SectionAvailability: Equatable, Sendable {
    public var number: SectionNumber
    public var id: ShortText
    public var counts: SectionCounts

    public init(number: SectionNumber, id: ShortText, counts: SectionCounts) {
        self.number = number
        self.id = id
        self.counts = counts
    }

    /// Nothing is left and nothing can come back: what is not bought is kept from sale.
    public var isSoldOut: Bool { counts.available == 0 && counts.reserved == 0 }
}

extension EventInventory {
    /// - Precondition: there are such sections.
    func availability(_ range: Range<Int>) -> [SectionAvailability] { range.map(availability) }

    private func availability(_ index: Int) -> SectionAvailability {
        SectionAvailability(
            number: SectionNumber(index),
            id: sections[index].details.id,
            counts: sections[index].counts
        )
    }

    /// The sections whose stock isn't what it is in `known`, by their numbers; new ones are among them. `known` becomes
    /// what is there.
    func changes(since known: inout ContiguousArray<SectionCounts>) -> [SectionAvailability] {
        var changes: [SectionAvailability] = []
        for index in 0..<sections.count {
            let counts = sections[index].counts
            if index == known.count {
                known.append(counts)
            } else if known[index] == counts {
                continue
            } else {
                known[index] = counts
            }
            changes.append(availability(index))
        }
        return changes
    }
}
