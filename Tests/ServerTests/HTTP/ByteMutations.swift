/// Random numbers that a seed repeats.
struct SeededBytes: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// One to three changes: bytes flipped, put in, taken out, or a run of them repeated elsewhere.
    mutating func mutate(_ bytes: [UInt8], alphabet: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<5, using: &self) {
            case 0: bytes[index] = alphabet.randomElement(using: &self)!
            case 1: bytes.insert(alphabet.randomElement(using: &self)!, at: index)
            case 2: bytes.remove(at: index)
            case 3: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            default:
                let end = min(bytes.count, index + Int.random(in: 1...24, using: &self))
                let place = Int.random(in: 0...bytes.count, using: &self)
                bytes.insert(contentsOf: Array(bytes[index..<end]), at: place)
            }
        }
        return bytes
    }
}
