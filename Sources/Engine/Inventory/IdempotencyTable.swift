/// The answers kept for retries, oldest first, each as the bytes it has in the log.
///
/// Bounded by number and by bytes: at a limit no more is kept, unless the oldest is past its time. Then each command
/// forgets as much as it may keep, so the limit holds, and keys are taken again as time goes by.
struct IdempotencyTable: Sendable {
    private var pages: ContiguousArray<Page> = []
    /// The number of the first page.
    private var firstPage: UInt64 = 0
    /// Entries that are forgotten, counted through the pages from the first one on.
    private var forgotten = 0
    private var index = FlatIndex()

    private(set) var count = 0
    /// Of all answers that are kept. Follows from them: it stands in no snapshot.
    private(set) var byteCount = 0
    /// The last answer that is kept may go beyond it.
    private let bytesMax: Int

    /// - Parameter bytesMax: of all answers together.
    init(bytesMax: Int = InventoryLimits.idempotencyBytesPerEventMax) { self.bytesMax = bytesMax }

    /// Whether one more answer can be kept, counting what would be forgotten for it.
    func hasRoom(at now: Milliseconds) -> Bool {
        if count < InventoryLimits.idempotencyEntriesPerEventMax, pages.count < Self.pagesMax, byteCount < bytesMax {
            return true
        }
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

    @inline(__always)
    func prefetch(_ key: IdempotencyKey) { index.prefetch(key.low) }

    /// Keeps an answer, and forgets up to two that are past their time: never more work than that in one command, but
    /// where the answers' bytes are at their limit. Small ones have to go then for a large one.
    mutating func keep(_ answer: UnsafeRawBufferPointer, for key: IdempotencyKey, at now: Milliseconds) {
        let limit = now - InventoryLimits.idempotencyKeptMilliseconds
        for _ in 0..<2 { forgetFirst(before: limit) }
        if byteCount + answer.count > bytesMax {
            var left = Self.forgottenAtLimitMax
            while left > 0, byteCount + answer.count > bytesMax, forgetFirst(before: limit) { left -= 1 }
        }
        removeForgottenPages()
        restore(answer, for: key, at: now)
    }

    /// Keeps an answer of a snapshot. Forgets nothing: the snapshot has exactly what was kept when it was taken.
    mutating func restore(_ answer: UnsafeRawBufferPointer, for key: IdempotencyKey, at now: Milliseconds) {
        if pages.isEmpty || !pages[pages.count - 1].hasRoom(at: now) { addPage(at: now) }
        let page = pages.count - 1
        let number = (firstPage + UInt64(page)) << Self.pageShift + UInt64(pages[page].entries.count)
        pages[page].append(answer, key, at: now)
        count += 1
        byteCount += answer.count
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

    /// Takes the oldest answer out; `removeForgottenPages` has to follow.
    /// - Returns: false when it is not past its time.
    @discardableResult
    private mutating func forgetFirst(before limit: Milliseconds) -> Bool {
        let page = forgotten >> Self.pageShift
        let place = forgotten & (Self.pageEntries - 1)
        guard count > 0, pages[page].time(place) < limit else { return false }
        let number = firstPage << Self.pageShift + UInt64(forgotten)
        index.remove(pages[page].entries[place].key.low, Self.short(number))
        byteCount -= pages[page].answerBytes(place)
        count -= 1
        forgotten += 1
        // A page may have been left early.
        if place + 1 == pages[page].entries.count { forgotten = (page + 1) << Self.pageShift }
        return true
    }

    /// All at once: each removal moves what is behind.
    private mutating func removeForgottenPages() {
        let gone = forgotten >> Self.pageShift
        guard gone > 0 else { return }
        pages.removeFirst(gone)
        firstPage += UInt64(gone)
        forgotten &= Self.pageEntries - 1
    }

    private mutating func addPage(at now: Milliseconds) {
        pages.append(Page(at: now, answerBytes: pages.last?.answerByteCount))
    }
}

// MARK: - Numbers

extension IdempotencyTable {
    // A number is a page's and a place in the page. The index keeps 31 bits of it, enough to tell apart all that are kept
    // at a time.
    private static let pageShift: UInt64 = 8
    private static let pageEntries = 256
    private static let pagesMax = 1 << 22
    /// Answers forgotten for one that is kept, at the limit: as many small ones as the largest takes.
    private static let forgottenAtLimitMax = 8_192

    private static func short(_ number: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: number) & 0x7fff_ffff }

    /// Page and place of the entry that the index knows by these bits.
    @inline(__always)
    private func place(_ short: UInt32) -> (page: Int, place: Int) {
        let page = (UInt64(short) >> Self.pageShift &- firstPage) & 0x7f_ffff
        return (Int(page), Int(short & 255))
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

        func answerBytes(_ place: Int) -> Int {
            Int(entries[place].answerEnd) - (place == 0 ? 0 : Int(entries[place - 1].answerEnd))
        }

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
