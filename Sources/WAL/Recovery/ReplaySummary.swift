/// What a replay found.
public struct ReplaySummary: Sendable, Equatable {
    /// How the log ended.
    public enum Tail: Sendable, Equatable {
        /// Behind a whole batch, nothing follows.
        case clean
        /// A batch that was never answered is not whole: the log was cut before it. `laterBatches` that follow it
        /// were never answered either and are not part of the log.
        case cut(file: String, offset: Int, laterBatches: Int)
    }

    /// The last record of the log; `zero` when it has none.
    public var lastPosition = LogPosition.zero
    /// Records delivered.
    public var recordCount = 0
    public var batchCount = 0
    public var segmentCount = 0
    public var bytesRead = 0
    public var tail = Tail.clean
}
