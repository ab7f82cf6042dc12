/// An array in pages of 256 elements. Copying it is cheap, and writing to a copy costs one page, not the whole: this
/// is how a snapshot is taken of a million holds while the sale goes on.
struct PagedArray<Element> {
    private static var pageShift: Int { 8 }
    private static var pageMask: Int { 255 }

    private var pages: ContiguousArray<ContiguousArray<Element>> = []
    private(set) var count = 0

    subscript(index: Int) -> Element {
        get { pages[index >> Self.pageShift][index & Self.pageMask] }
        _modify { yield &pages[index >> Self.pageShift][index & Self.pageMask] }
    }

    mutating func append(_ element: Element) {
        if count >> Self.pageShift == pages.count { pages.append([]) }
        pages[count >> Self.pageShift].append(element)
        count += 1
    }
}

extension PagedArray: Sendable where Element: Sendable {}

/// A queue in pages of 256 elements, addressed by the number of appends before: the number of an element never
/// changes while it is in the queue. Copies share pages as those of `PagedArray` do.
struct PagedQueue<Element> {
    private static var pageShift: UInt64 { 8 }
    private static var pageSize: UInt64 { 256 }

    private var pages: ContiguousArray<ContiguousArray<Element>> = []
    private var firstPage: UInt64 = 0
    /// The number of the first element.
    private(set) var first: UInt64 = 0
    /// The number that the next element gets.
    private(set) var end: UInt64 = 0

    var count: Int { Int(end - first) }

    subscript(number: UInt64) -> Element {
        get {
            let page = Int((number >> Self.pageShift) - firstPage)
            return pages[page][Int(number & (Self.pageSize - 1))]
        }
        _modify {
            let page = Int((number >> Self.pageShift) - firstPage)
            yield &pages[page][Int(number & (Self.pageSize - 1))]
        }
    }

    mutating func append(_ element: Element) {
        if end & (Self.pageSize - 1) == 0 { pages.append([]) }
        pages[pages.count - 1].append(element)
        end += 1
    }

    /// Forgets the first element; its page is freed with the page's last one.
    mutating func removeFirst() {
        precondition(first < end, "removeFirst of an empty queue")
        first += 1
        if first >> Self.pageShift > firstPage {
            pages.removeFirst()
            firstPage += 1
        }
    }
}

extension PagedQueue: Sendable where Element: Sendable {}
