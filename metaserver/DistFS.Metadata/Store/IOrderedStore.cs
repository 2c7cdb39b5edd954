using System.Buffers;

namespace DistFS.Metadata.Store;

/// <summary>
/// Bytes to bytes, in the order of the keys' bytes: RocksDB in a metaserver, a sorted list in tests and the simulator.
/// Used by one thread at a time; exceptions of the engine pass through, and the state machine must not be used after
/// one.
/// </summary>
public interface IOrderedStore
{
    /// <summary>
    /// Appends the value of a key to <paramref name="value"/>; false, and nothing appended, if there is none.
    /// </summary>
    bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value);

    /// <summary>
    /// Gives the rows of [<paramref name="from"/>, <paramref name="to"/>) in order, until <paramref name="row"/> says
    /// that it has enough. What it is given is valid during the call only; it may read the store, and not write it.
    /// </summary>
    void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row);

    /// <summary>Writes all of it or nothing, in order; the latest of a key counts.</summary>
    void Write(IReadOnlyCollection<KeyValuePair<byte[], byte[]?>> changes);
}

/// <summary>Looks at a row; false ends the scan.</summary>
/// <param name="key">Its key.</param>
/// <param name="value">Its value.</param>
public delegate bool RowVisitor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);
