namespace DistFS.Fuse;

/// <summary>
/// One descriptor of the connection to the kernel, or its twin in memory: a request is read from it, and answered
/// through the same one, since the kernel looks for the request there.
/// </summary>
public interface IFuseDevice : IDisposable
{
    /// <summary>Waits for one request. One thread reads, for the life of the device.</summary>
    /// <param name="buffer">At least the largest WRITE and 4 KiB.</param>
    /// <param name="length">Bytes read.</param>
    /// <returns>An error, or None.</returns>
    Errno Read(Span<byte> buffer, out int length);

    /// <summary>
    /// Writes one reply or notification. Any thread, at any time before <see cref="IDisposable.Dispose"/>.
    /// </summary>
    Errno Write(ReadOnlySpan<IoVector> message);

    /// <summary>Another descriptor of the same connection.</summary>
    /// <exception cref="FuseException">The kernel refused.</exception>
    IFuseDevice Clone();

    /// <summary>
    /// Makes a read that waits end with EINTR, if there is one at this moment: called again until the reader has seen
    /// its order to stop.
    /// </summary>
    void Interrupt();

    /// <summary>
    /// The kernel sees this descriptor closed; what is written later goes nowhere. No read is under way.
    /// </summary>
    void Sever();
}
