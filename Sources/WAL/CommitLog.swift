/// The seam to durability: what a shard needs of a log, whatever stores it.
///
/// `append` gives the records their positions at once and returns; they are durable when `durablePosition` has
/// reached them. A log that failed accepts nothing more and never advances its watermark again.
public protocol CommitLog: AnyObject, Sendable {
    /// Appends every record of the buffer, in order and next to each other, and returns the last one's position.
    ///
    /// The records of one call may still end up in two batches: each record is atomic, the call is not.
    /// - Throws: `LogError.saturated` when more than the log's limit is waiting to be written (nothing was
    ///   appended), the error that stopped the log when it has failed.
    func append(_ records: borrowing RecordBuffer) throws(LogError) -> LogPosition

    /// The position of the last record appended, durable or not.
    var lastPosition: LogPosition { get }

    /// The watermark: every record up to here survives a crash.
    var durablePosition: LogPosition { get }

    /// Reads what is durable, while the log goes on.
    func makeReader() throws(LogError) -> any RecordReader

    /// Position of the oldest record that can be read.
    var oldestPosition: LogPosition { get }

    /// Bytes appended that have not been handed to the device yet; to refuse work before it is decided.
    var pendingBytes: Int { get }

    /// Whether there is room for more; to refuse work before it is decided. Read once a turn, so it must be cheap.
    var roomState: StorageRoom.State { get }
}

extension CommitLog {
    public var roomState: StorageRoom.State { .enough }
    public var oldestPosition: LogPosition { LogPosition(1) }
    public func makeReader() throws(LogError) -> any RecordReader {
        throw .misused("this log can't be read while it runs")
    }
}
