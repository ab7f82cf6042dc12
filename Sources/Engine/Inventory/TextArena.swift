/// Short texts in pages of 16 KiB that copies share: a length byte and the text's bytes, in blocks of 4 to 68 bytes. A
/// block given back is used again for a text of its size.
struct TextArena: Sendable {
    /// Where a text stands, in units of 4 bytes.
    typealias Address = UInt32

    private static let none = Address.max
    private static let pageShift: UInt32 = 12
    private static let pageWords = 4_096
    private static let blockWordsMax = 17

    private var pages: ContiguousArray<ContiguousArray<UInt32>> = []
    /// For each size of block those given back, each holding the address of the next.
    private var free = InlineArray<18, Address>(repeating: TextArena.none)

    mutating func add(_ text: ShortText) -> Address {
        let words = Self.blockWords(text.count)
        let address = takeBlock(words)
        withBlock(address, words) { block in
            block[0] = text.count
            text.withBytes { UnsafeMutableRawBufferPointer(rebasing: block[1...]).copyMemory(from: $0) }
        }
        return address
    }

    mutating func remove(_ address: Address) {
        let words = withText(address) { Self.blockWords(UInt8($0.count)) }
        withBlock(address, words) { [next = free[words]] in $0.storeBytes(of: next, as: Address.self) }
        free[words] = address
    }

    func text(_ address: Address) -> ShortText { withText(address) { ShortText(trusted: $0) } }

    @inline(__always)
    func equals(_ address: Address, _ text: ShortText) -> Bool { withText(address) { text.hasBytes($0) } }

    func hash(_ address: Address) -> UInt64 { text(address).memoryHash }

    /// Memory set aside.
    var byteCount: Int { pages.reduce(pages.capacity * 8) { $0 + $1.capacity * 4 } }

    private static func blockWords(_ count: UInt8) -> Int { (Int(count) + 4) / 4 }

    @inline(__always)
    private func withText<R>(_ address: Address, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        pages[Int(address >> Self.pageShift)].withUnsafeBytes { page in
            let start = Int(address & UInt32(Self.pageWords - 1)) * 4
            return body(UnsafeRawBufferPointer(rebasing: page[start + 1..<start + 1 + Int(page[start])]))
        }
    }

    private mutating func withBlock(_ address: Address, _ words: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        pages[Int(address >> Self.pageShift)].withUnsafeMutableBytes { page in
            let start = Int(address & UInt32(Self.pageWords - 1)) * 4
            body(UnsafeMutableRawBufferPointer(rebasing: page[start..<start + words * 4]))
        }
    }

    private mutating func takeBlock(_ words: Int) -> Address {
        let known = free[words]
        if known != Self.none {
            free[words] = pages[Int(known >> Self.pageShift)][Int(known & UInt32(Self.pageWords - 1))]
            return known
        }
        if pages.isEmpty || pages[pages.count - 1].count + words > Self.pageWords { addPage() }
        let page = pages.count - 1
        let offset = pages[page].count
        for _ in 0..<words { pages[page].append(0) }
        return Address(page << Int(Self.pageShift) + offset)
    }

    private mutating func addPage() {
        var page: ContiguousArray<UInt32> = []
        if !pages.isEmpty { page.reserveCapacity(Self.pageWords) }
        pages.append(page)
    }
}
