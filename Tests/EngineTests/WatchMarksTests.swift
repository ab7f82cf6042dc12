import Testing

@testable import Engine

@Suite struct WatchMarksTests {
    @Test func aWatchedEventIsNotedOnceUntilItIsAskedFor() {
        var marks = WatchMarks()
        #expect(!marks.isAny)
        marks.note(3)
        #expect(marks.takeChanged().isEmpty)
        marks.watch(3)
        marks.watch(3)
        marks.watch(1)
        #expect(marks.isAny)
        for slot in [3, 1, 3, 0, 2, 9] { marks.note(slot) }
        #expect(marks.takeChanged() == [3, 1])
        #expect(marks.takeChanged().isEmpty)
        marks.note(1)
        #expect(marks.takeChanged() == [1])
    }

    @Test func whatNobodyWatchesAnyMoreIsNotNoted() {
        var marks = WatchMarks()
        marks.watch(0)
        marks.watch(5)
        marks.note(5)
        marks.note(0)
        marks.unwatch(5)
        marks.unwatch(5)
        marks.unwatch(7)
        #expect(marks.isAny)
        #expect(marks.takeChanged() == [0])
        marks.note(5)
        #expect(marks.takeChanged().isEmpty)
        marks.unwatch(0)
        #expect(!marks.isAny)
        marks.watch(5)
        #expect(marks.takeChanged().isEmpty)
    }
}

@Suite struct AvailabilityChangesTests {
    @Test func onlySectionsWithOtherStockAreChanges() throws {
        var event = EventInventory(
            creating: .eventCreated(tenant: "shop", EventDetails(id: "gala", name: "G", currency: "EUR"), at: 0)
        )!
        for id in ["a", "b", "c"] as [ShortText] {
            event.apply(.sectionAdded(SectionDetails(id: id, name: "S", total: 10)), isAnswered: false)
        }
        var known: ContiguousArray<SectionCounts> = []
        #expect(event.changes(since: &known).map(\.id) == ["a", "b", "c"])
        #expect(event.changes(since: &known).isEmpty)
        var renamed = SectionDetails(id: "a", name: "Other", total: 10)
        event.apply(.sectionUpdated(0, renamed), isAnswered: false)
        #expect(event.changes(since: &known).isEmpty)
        renamed.buffer = 3
        event.apply(.sectionUpdated(0, renamed), isAnswered: false)
        event.apply(.sectionAdded(SectionDetails(id: "d", name: "S", total: 4)), isAnswered: false)
        let changes = event.changes(since: &known)
        #expect(changes.map(\.number) == [0, 3])
        #expect(changes.map(\.counts.available) == [7, 4])
        #expect(known.count == 4)
    }
}
