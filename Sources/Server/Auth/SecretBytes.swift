extension UnsafeRawBufferPointer {
    /// Whether two secrets of a known length are the same. Looks at all bytes, wherever they differ: how long it took says
    /// nothing of how much of a guess was right.
    func isSameSecret(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var difference: UInt8 = 0
        for index in 0..<count { difference |= self[index] ^ other[index] }
        return difference == 0
    }
}
