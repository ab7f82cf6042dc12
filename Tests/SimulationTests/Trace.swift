/// What a run did: a number that is the same for the same run, and the last steps in words when they are wanted.
struct Trace {
    /// Set for a run that is repeated to be read.
    let isRecording: Bool
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var count = 0
    private var lines: [String] = []

    init(isRecording: Bool) { self.isRecording = isRecording }

    mutating func note(_ numbers: UInt64..., text: @autoclosure () -> String) {
        count += 1
        for number in numbers { hash = (hash ^ number) &* 0x0000_0100_0000_01b3 }
        if isRecording { lines.append("\(count): \(text())") }
    }

    func last(_ steps: Int) -> String { lines.suffix(steps).joined(separator: "\n") }
}

/// Something happened that the promise forbids.
struct Violation: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
