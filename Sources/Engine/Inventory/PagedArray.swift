/// An array in pages of 256 elements. Copying it is cheap, and writing to a copy costs one page, not the whole: this
/// is how a snapshot is taken of a million holds while the sale goes on.
struct PagedArray<Element> {
    private static var pageShift: Int { 8 }
    private static var pageSize: Int { 256 }
    private static var pageMask: Int { 255 }

    private var pages: ContiguousArray<ContiguousArray<Element>> = []
    private(set) var count = 0

    subscript(index: Int) -> Element {
        @inline(__always) get { pages[index >> Self.pageShift][index & Self.pageMask] }
        @inline(__always) _modify { yield &pages[index >> Self.pageShift][index & Self.pageMask] }
    }

    /// Begins to load an element.
    /// - Precondition: there is such an element.
    @inline(__always)
    func prefetch(_ index: Int) {
        pages.withUnsafeBufferPointer { pages in
            prefetchElement(
                index & Self.pageMask,
                of: UnsafeRawPointer(pages.baseAddress! + (index >> Self.pageShift)),
                stride: MemoryLayout<Element>.stride
            )
        }
    }

    mutating func append(_ element: Element) {
        if count >> Self.pageShift == pages.count { addPage() }
        pages[count >> Self.pageShift].append(element)
        count += 1
    }

    /// The first page grows with what is in it, for an event that sells little; the others are made whole.
    private mutating func addPage() {
        var page: ContiguousArray<Element> = []
        if !pages.isEmpty { page.reserveCapacity(Self.pageSize) }
        pages.append(page)
    }

    /// Memory set aside.
    var byteCount: Int { pages.reduce(pages.capacity * 8) { $0 + $1.capacity * MemoryLayout<Element>.stride } }
}

extension PagedArray: Sendable where Element: Sendable {}
