import CPrefetch

/// Begins to load an element of the array whose reference stands at `place`, and what the array knows of itself.
///
/// The reference is read as a number: to count it, as Swift does with one that it copies, would wait for the very memory
/// that is asked for. Nothing is read through it, so where this knows arrays wrongly, memory is loaded for nothing.
@inline(__always)
func prefetchElement(_ index: Int, of place: UnsafeRawPointer, stride: Int) {
    let array = place.load(as: UInt.self)
    // The elements stand behind a head of 32 bytes.
    holdfast_prefetch(UnsafeRawPointer(bitPattern: array))
    holdfast_prefetch(UnsafeRawPointer(bitPattern: array &+ 32 &+ UInt(bitPattern: index &* stride)))
}
