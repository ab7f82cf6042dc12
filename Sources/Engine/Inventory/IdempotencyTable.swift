/// The answers kept for retries, oldest first, each as the bytes it has in the log.
struct IdempotencyTable: Sendable {
    private var pages: ContiguousArray<Page> = []
    /// The number of the first page.
    private var firstPage: UInt64 = 0
    /// Entries of the first page that are forgotten.
    private var forgotten = 0
    private var index = FlatIndex()

    private(set) var count = 0

    /// Whether one more answer can be kept, counting one that would be forgotten for it.
    func hasRoom(at now: Milliseconds) -> Bool {
        if count < InventoryLimits.idempotencyEntriesPerEventMax, pages.count < Self.pagesMax { return true }
        return count > 0 && pages[0].time(forgotten) < now - InventoryLimits.idempotencyKeptMilliseconds
    }

    /// The bytes of the answer kept for the key, and the time it was given; nil when the key is new.
    ///
    /// - Parameter isValid: whether an answer's bytes still stand for something. Those that don't are past their time
    ///   and only wait to be forgotten.
    /// - Throws: `idempotencyKeyReused` when the key came with another payload.
    @inline(__always)
    func answer<R>(
        for key: IdempotencyKey,
        isValid: (UnsafeRawBufferPointer) -> Bool,
        _ body: (UnsafeRawBufferPointer, Milliseconds) -> R
    ) throws(Rejection) -> R? {
        let found = index.find(key.low) { short in
            let (page, place) = self.place(short)
            let candidate = pages[page].entries[place].key
            guard candidate.low == key.low, candidate.high == key.high else { return false }
            return pages[page].withAnswer(place, isValid)
        }
        guard let found else { return nil }
        let (page, place) = self.place(found)
        guard pages[page].entries[place].key.fingerprint == key.fingerprint else { throw .idempotencyKeyReused }
        return pages[page].withAnswer(place) { body($0, pages[page].time(place)) }
    }

    /// Keeps an answer, and forgets up to two that are past their time: never more work than that in one command.
    mutating func keep(_ answer: UnsafeRawBufferPointer, for key: IdempotencyKey, at now: Milliseconds) {
        for _ in 0..<2 { forgetFirst(before: now - InventoryLimits.idempotencyKeptMilliseconds) }
        restore(answer, for: key, at: now)
    }

    /// Keeps an answer of a snapshot. Forgets nothing: the snapshot has exactly what was kept when it was taken.
    mutating func restore(_ answer: UnsafeRawBufferPointer, for key: IdempotencyKey, at now: Milliseconds) {
        if pages.isEmpty || !pages[pages.count - 1].hasRoom(at: now) { addPage(at: now) }
        let page = pages.count - 1
        let number = (firstPage + UInt64(page)) << Self.pageShift + UInt64(pages[page].entries.count)
        pages[page].append(answer, key, at: now)
        count += 1
        if index.isFull(at: key.low) {
            index.grow(at: key.low) { [pages, firstPage] in Self.key($0, in: pages, firstPage).low }
        }
        index.insert(key.low, Self.short(number))
    }

    func visit(_ body: (IdempotencyKey, Milliseconds, UnsafeRawBufferPointer) -> Void) {
        for (number, page) in pages.enumerated() {
            for place in (number == 0 ? forgotten : 0)..<page.entries.count {
                page.withAnswer(place) { body(page.entries[place].key, page.time(place), $0) }
            }
        }
    }

    /// Memory set aside, by what it is for.
    var byteCounts: (answers: Int, index: Int) {
        let stride = MemoryLayout<Page>.stride
        return (pages.reduce(pages.capacity * stride) { $0 + $1.byteCount }, index.byteCount)
    }

    private mutating func forgetFirst(before limit: Milliseconds) {
        guard count > 0, pages[0].time(forgotten) < limit else { return }
        let number = firstPage << Self.pageShift + UInt64(forgotten)
        index.remove(pages[0].entries[forgotten].key.low, Self.short(number)) { [pages, firstPage] in
            Self.key($0, in: pages, firstPage).low
        }
        forgotten += 1
        count -= 1
        guard forgotten == pages[0].entries.count else { return }
        pages.removeFirst()
        firstPage += 1
        forgotten = 0
    }

    private mutating func addPage(at now: Milliseconds) {
        pages.append(Page(at: now, answerBytes: pages.last?.answerByteCount))
    }
}

// MARK: - Numbers

extension IdempotencyTable {
    // A number is a page's and a place in the page. The index keeps 24 bits of it less one value, enough to tell apart
    // all that are kept at a time.
    private static let pageShift: UInt64 = 8
    private static let pageEntries = 256
    private static let pagesMax = 65_000
    private static let shortModulus: UInt64 = 65_535 << 8

    private static func short(_ number: UInt64) -> UInt32 { UInt32(number % shortModulus) }

    /// Page and place of the entry that the index knows by these bits.
    @inline(__always)
    private func place(_ short: UInt32) -> (page: Int, place: Int) { Self.place(short, firstPage) }

    @inline(__always)
    private static func place(_ short: UInt32, _ firstPage: UInt64) -> (page: Int, place: Int) {
        let pages = shortModulus >> pageShift
        let page = UInt64(short) >> pageShift + pages - firstPage % pages
        return (Int(page >= pages ? page - pages : page), Int(short & 255))
    }

    private static func key(_ short: UInt32, in pages: ContiguousArray<Page>, _ firstPage: UInt64) -> IdempotencyKey {
        let (page, place) = place(short, firstPage)
        return pages[page].entries[place].key
    }
}

// MARK: - Pages

extension IdempotencyTable {
    /// Up to 256 entries and the bytes of their answers, one behind the other. Copies share pages.
    private struct Page: Sendable {
        struct Entry: Sendable {
            let key: IdempotencyKey
            /// Milliseconds behind the page's first time.
            let after: UInt32
            /// Where the answer's bytes end.
            let answerEnd: UInt32
        }

        private let start: Milliseconds
        private(set) var entries: ContiguousArray<Entry> = []
        private var answers: ContiguousArray<UInt8> = []

        /// - Parameter answerBytes: those of the page before, the best guess for this one; nil for the first, which
        ///   grows with what is in it.
        init(at now: Milliseconds, answerBytes: Int?) {
            start = now
            guard let answerBytes else { return }
            entries.reserveCapacity(pageEntries)
            answers.reserveCapacity(answerBytes + answerBytes / 32)
        }

        var answerByteCount: Int { answers.count }

        var byteCount: Int { entries.capacity * MemoryLayout<Entry>.stride + answers.capacity }

        /// Whether an entry of this time fits: not when the page is full, or 49 days old.
        func hasRoom(at now: Milliseconds) -> Bool {
            entries.count < pageEntries && UInt64(bitPattern: now - start) <= UInt64(UInt32.max)
        }

        @inline(__always)
        func time(_ place: Int) -> Milliseconds { start + Milliseconds(entries[place].after) }

        @inline(__always)
        func withAnswer<R>(_ place: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
            let start = place == 0 ? 0 : Int(entries[place - 1].answerEnd)
            let end = Int(entries[place].answerEnd)
            return answers.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
        }

        mutating func append(_ answer: UnsafeRawBufferPointer, _ key: IdempotencyKey, at now: Milliseconds) {
            answers.append(contentsOf: answer)
            entries.append(Entry(key: key, after: UInt32(now - start), answerEnd: UInt32(answers.count)))
        }
    }
}
