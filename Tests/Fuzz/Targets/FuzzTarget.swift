/// What is fuzzed: each reader of bytes that somebody else may have written.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// Requests: our parser against llhttp, whole and in pieces, and the router behind it.
    case http
    /// Documents: our reader against Foundation's, and our writer against our reader.
    case json
    /// The lines of a batch, against an event that is on sale.
    case batch
    /// A log's folder: manifest, segments and a snapshot with damage in them, checksums made right again or not.
    case log
    /// One record of the log or of a snapshot: what can be read can be written, and reads the same.
    case record
    /// A run of records: what a start makes of them, and what can be asked of the result.
    case recovery
    /// A token, and what stands behind its signature.
    case token
    /// The fields that say who asks: the token's, and the one to which proxies add addresses.
    case address

    /// Runs one input.
    /// - Throws: what is wrong; a trap is a finding as well.
    public func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        switch self {
        case .http: try HTTPTarget.run(input)
        case .json: try JSONTarget.run(input)
        case .batch: try BatchTarget.run(input)
        case .log: try LogTarget.run(input)
        case .record: try RecordTarget.run(input)
        case .recovery: try RecoveryTarget.run(input)
        case .token: try TokenTarget.run(input)
        case .address: try AddressTarget.run(input)
        }
    }

    /// Inputs to begin with.
    public var seeds: [[UInt8]] {
        switch self {
        case .http: HTTPTarget.seeds
        case .json: JSONTarget.seeds
        case .batch: BatchTarget.seeds
        case .log: LogTarget.seeds
        case .record: RecordTarget.seeds
        case .recovery: RecoveryTarget.seeds
        case .token: TokenTarget.seeds
        case .address: AddressTarget.seeds
        }
    }
}

/// Something that is wrong: a sentence.
public struct Finding: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Numbers that follow from an input, so that it always runs the same.
struct InputRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ input: UnsafeRawBufferPointer) {
        state = 0xCBF2_9CE4_8422_2325
        for byte in input { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
