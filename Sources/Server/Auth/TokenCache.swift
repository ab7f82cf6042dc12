import Auth
import Engine

/// Tokens that were verified before, so that the sale pays for looking one up only. One for each loop.
///
/// Bounded by number and bytes; at the limit it starts anew. What was refused is not kept: it would let anybody push out
/// what is in use.
struct TokenCache {
    static let entriesMax = 65_536
    static let bytesMax = 16 << 20

    private struct Entry {
        let token: ContiguousArray<UInt8>
        let caller: KnownCaller

        func has(_ other: UnsafeRawBufferPointer) -> Bool {
            token.withUnsafeBytes { $0.isSameSecret(as: other) }
        }
    }

    /// Nil where no tokens are asked for.
    private let ring: TokenKeyRing?
    private var generation: UInt64 = 0
    private var entries: [UInt64: Entry] = [:]
    private(set) var bytes = 0
    private(set) var counters = TokenCounters()
    /// So that nobody can choose tokens that have the same hash.
    private let seed = UInt64.random(in: .min ... .max)

    init(_ ring: TokenKeyRing?) { self.ring = ring }

    /// Who sent this.
    /// - Parameters:
    ///   - authorization: the header field's value, empty where there was none.
    ///   - now: milliseconds since 1970.
    mutating func caller(_ authorization: UnsafeRawBufferPointer, at now: Milliseconds) -> Authorization {
        guard let ring else { return .anybody }
        guard !authorization.isEmpty else { return .nobody }
        guard let token = Self.token(in: authorization) else {
            counters.refused += 1
            return .refused(.malformed)
        }
        if generation != ring.generation { begin(generation: ring.generation) }
        let hash = hash(token)
        if let entry = entries[hash], entry.has(token) {
            if now < entry.caller.acceptedUntil {
                counters.hits += 1
                return .known(entry.caller)
            }
            forget(hash)
            counters.refused += 1
            return .refused(.expired)
        }
        do throws(TokenFailure) {
            let caller = KnownCaller(try ring.verifier.verify(token, at: now))
            keep(token, hash, caller)
            counters.verified += 1
            return .known(caller)
        } catch {
            counters.refused += 1
            return .refused(error)
        }
    }

    var count: Int { entries.count }

    /// What stands behind `Bearer`, in any case, and blanks.
    static func token(in authorization: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard authorization.count > 7, authorization[6] == UInt8(ascii: " "),
            UnsafeRawBufferPointer(rebasing: authorization[..<6]).equalsLowercase("bearer")
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: authorization[7...]).trimmed
    }

    private func hash(_ token: UnsafeRawBufferPointer) -> UInt64 {
        var hash = StableHash(seed: seed)
        hash.combine(token)
        return hash.finish()
    }

    private mutating func keep(_ token: UnsafeRawBufferPointer, _ hash: UInt64, _ caller: KnownCaller) {
        forget(hash)
        if entries.count >= Self.entriesMax || bytes + token.count > Self.bytesMax { begin(generation: generation) }
        entries[hash] = Entry(token: ContiguousArray(token), caller: caller)
        bytes += token.count
    }

    private mutating func forget(_ hash: UInt64) {
        if let entry = entries.removeValue(forKey: hash) { bytes -= entry.token.count }
    }

    private mutating func begin(generation: UInt64) {
        self.generation = generation
        entries.removeAll()
        bytes = 0
    }
}

/// What a loop has done with the tokens that it was shown.
struct TokenCounters: Equatable, Sendable {
    /// Known from before.
    var hits: UInt64 = 0
    /// Verified, and accepted.
    var verified: UInt64 = 0
    var refused: UInt64 = 0

    static func += (left: inout TokenCounters, right: TokenCounters) {
        left.hits += right.hits
        left.verified += right.verified
        left.refused += right.refused
    }
}
