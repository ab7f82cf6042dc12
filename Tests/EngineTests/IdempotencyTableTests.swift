import Testing

@testable import Engine
@testable import ReferenceModel

/// Answers kept for retries: bounded by number and by bytes, forgotten when their day is over and not before.
@Suite struct IdempotencyTableTests {
    private static let day = InventoryLimits.idempotencyKeptMilliseconds

    private func key(_ number: Int) -> IdempotencyKey {
        IdempotencyKey(high: UInt64(number), low: UInt64(number) &* 0x9e37_79b9_7f4a_7c15, fingerprint: 7)
    }

    private func bytes(_ number: Int, count: Int) -> [UInt8] {
        Array(repeating: UInt8(truncatingIfNeeded: number), count: count)
    }

    private func answer(_ table: IdempotencyTable, _ number: Int) throws -> [UInt8]? {
        func isValid(_ answer: UnsafeRawBufferPointer) -> Bool { true }
        return try table.answer(for: key(number), isValid: isValid) { bytes, _ in Array(bytes) }
    }

    /// Keeps answers as a shard does: only where there is room.
    private func fill(
        _ table: inout IdempotencyTable,
        _ numbers: Range<Int>,
        bytes count: Int,
        at now: Milliseconds
    ) -> Int {
        for number in numbers {
            guard table.hasRoom(at: now) else { return number }
            bytes(number, count: count).withUnsafeBytes { table.keep($0, for: key(number), at: now) }
        }
        return numbers.upperBound
    }

    @Test func bytesAreBoundedAndCounted() throws {
        var table = IdempotencyTable(bytesMax: 100_000)
        #expect(fill(&table, 0..<1_000, bytes: 1_000, at: 0) == 100)
        #expect(table.byteCount == 100_000 && table.count == 100)
        #expect(!table.hasRoom(at: Self.day), "not a millisecond early")
        for number in 0..<100 { #expect(try answer(table, number) == bytes(number, count: 1_000)) }
        #expect(table.hasRoom(at: Self.day + 1))
        #expect(fill(&table, 100..<150, bytes: 1_000, at: Self.day + 1) == 150)
        #expect(table.byteCount == 100 * 1_000 - 50 * 1_000)
    }

    /// Many small answers go for a large one, so the limit holds, and it never stays shut.
    @Test func smallOnesMakeRoomForLargeOnes() throws {
        var table = IdempotencyTable(bytesMax: 100_000)
        #expect(fill(&table, 0..<6_000, bytes: 20, at: 0) == 5_000)
        var kept: [Int] = []
        for number in 10_000..<10_020 {
            let now = Self.day + 1 + Milliseconds(number)
            guard table.hasRoom(at: now) else { break }
            bytes(number, count: 9_000).withUnsafeBytes { table.keep($0, for: key(number), at: now) }
            #expect(table.byteCount <= 100_000 + 9_000)
            kept.append(number)
            let found = try (0..<5_000).count { try answer(table, $0) != nil }
            #expect(found == table.count - kept.count)
            #expect(try answer(table, number) == bytes(number, count: 9_000))
        }
        #expect((11...13).contains(kept.count), "\(kept.count)")
        let later = 3 * Self.day
        #expect(fill(&table, 20_000..<20_100, bytes: 20, at: later) == 20_100)
        #expect(table.byteCount < 100_000)
    }

    /// The sum is of what there is: as it was before the snapshot, behind it and after it.
    @Test func aRestoredEventHasTheSameBytes() throws {
        var subject = try MachineFixture.event(places: 1_000)
        for number in 1...300 {
            let context = CommandContext(
                tenant: MachineFixture.tenant,
                now: MachineFixture.start + Milliseconds(number),
                random: (UInt64(number), 5),
                idempotency: key(number)
            )
            _ = subject.perform(.reserve(ReserveRequest(first: .init(section: 0, quantity: 1))), context)
        }
        let restored = try subject.inventory.restoredFromSnapshot()
        #expect(restored.idempotency.byteCount > 300 * 8)
        #expect(restored.idempotency.byteCount == subject.inventory.idempotency.byteCount)
        #expect(restored.digest() == subject.inventory.digest())
    }
}
