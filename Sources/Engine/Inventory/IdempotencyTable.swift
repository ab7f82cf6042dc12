/// The answers kept for retries, oldest first, each as the bytes it has in the log.
struct IdempotencyTable: Sendable {
    private struct Entry: Sendable {
        let key: IdempotencyKey
        let at: Milliseconds
        let answer: PagedBytes.Range
    }

    private var entries = PagedQueue<Entry>()
    private var index = FlatIndex()
    private var answers = PagedBytes()

    var count: Int { entries.count }

    /// Whether one more answer can be kept, counting one that would be forgotten for it.
    func hasRoom(at now: Milliseconds) -> Bool {
        if count < InventoryLimits.idempotencyEntriesPerEventMax { return true }
        return entries[entries.first].at < now - InventoryLimits.idempotencyKeptMilliseconds
    }

    /// The kept answer for the key, decoded by `body`; nil when the key is new.
    /// - Throws: `idempotencyKeyReused` when the key came with another payload.
    func answer(for key: IdempotencyKey) throws(Rejection) -> [UInt8]? {
        guard let number = find(key) else { return nil }
        let entry = entries[number]
        guard entry.key.fingerprint == key.fingerprint else { throw .idempotencyKeyReused }
        return answers.bytes(entry.answer)
    }

    /// Keeps an answer, and forgets up to two that are past their time: never more work than that in one command.
    mutating func keep(_ answer: UnsafeRawBufferPointer, for key: IdempotencyKey, at now: Milliseconds) {
        for _ in 0..<2 { forgetFirst(before: now - InventoryLimits.idempotencyKeptMilliseconds) }
        restore(answer, for: key, at: now)
    }

    /// Keeps an answer of a snapshot. Forgets nothing: the snapshot has exactly what was kept when it was taken.
    mutating func restore(_ answer: UnsafeRawBufferPointer, for key: IdempotencyKey, at now: Milliseconds) {
        let number = entries.end
        entries.append(Entry(key: key, at: now, answer: answers.append(answer)))
        index.insert(key.low, UInt32(truncatingIfNeeded: number & Self.numberMask))
    }

    func visit(_ body: (IdempotencyKey, Milliseconds, [UInt8]) -> Void) {
        var number = entries.first
        while number < entries.end {
            let entry = entries[number]
            body(entry.key, entry.at, answers.bytes(entry.answer))
            number += 1
        }
    }

    // The index keeps 31 bits of an entry's number, enough to tell apart all that are kept at a time.
    private static let numberMask: UInt64 = 0x7fff_ffff

    private func number(_ short: UInt32) -> UInt64 {
        entries.first + ((UInt64(short) &- entries.first) & Self.numberMask)
    }

    private func find(_ key: IdempotencyKey) -> UInt64? {
        let short = index.find(key.low) { short in
            let candidate = entries[number(short)].key
            return candidate.low == key.low && candidate.high == key.high
        }
        return short.map { number($0) }
    }

    private mutating func forgetFirst(before limit: Milliseconds) {
        guard entries.count > 0 else { return }
        let entry = entries[entries.first]
        guard entry.at < limit else { return }
        index.remove(entry.key.low, UInt32(truncatingIfNeeded: entries.first & Self.numberMask))
        answers.removeFirst(entry.answer)
        entries.removeFirst()
    }
}

/// Byte strings, appended and forgotten in order, in pages that copies share.
struct PagedBytes: Sendable {
    struct Range: Sendable {
        let page: UInt64
        let offset: UInt32
        let length: UInt32
    }

    private static let pageBytes = 32 * 1_024

    private var pages: ContiguousArray<ContiguousArray<UInt8>> = []
    private var firstPage: UInt64 = 0

    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Range {
        if pages.isEmpty || pages[pages.count - 1].count + bytes.count > Self.pageBytes { pages.append([]) }
        let last = pages.count - 1
        let offset = pages[last].count
        pages[last].append(contentsOf: bytes)
        return Range(page: firstPage + UInt64(last), offset: UInt32(offset), length: UInt32(bytes.count))
    }

    func bytes(_ range: Range) -> [UInt8] {
        let start = Int(range.offset)
        return Array(pages[Int(range.page - firstPage)][start..<start + Int(range.length)])
    }

    /// Forgets everything up to and with `range`, as far as whole pages go.
    mutating func removeFirst(_ range: Range) {
        while firstPage < range.page {
            pages.removeFirst()
            firstPage += 1
        }
    }
}
