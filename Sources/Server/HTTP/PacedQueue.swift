/// Things to be done to many at once, some in each turn of a loop, in the order in which they came.
struct PacedQueue<Element> {
    private var waiting: ContiguousArray<Element> = []
    private var next = 0

    mutating func add(_ element: Element) { waiting.append(element) }

    /// Takes the next ones.
    /// - Parameter elementsMax: as many at most.
    mutating func take(_ elementsMax: Int) -> ArraySlice<Element> {
        let end = min(waiting.count, next + elementsMax)
        let taken = ArraySlice(waiting[next..<end])
        next = end
        if next == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.count <= 1_024)
            next = 0
        }
        return taken
    }

    var isEmpty: Bool { next == waiting.count }
}
