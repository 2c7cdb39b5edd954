using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>
/// Blocks that were written front to back and are no file of the engine yet: first in memory, then in a file that is
/// being written. Changed by the lane only, until it is handed to the thread that ends it.
/// </summary>
internal sealed class OpenPart(ChunkId chunk, ulong number, uint first) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<LaneRequest> _waiting = [];
    private readonly object _ended = new();
    private volatile byte[]?[]? _buffered = new byte[16][];
    private uint[] _checksums = new uint[16];
    private SstFileWriter? _writer;
    private bool _isEnded;
    private int _readers;

    public ChunkId Chunk { get; } = chunk;

    public ulong Number { get; } = number;

    public uint First { get; } = first;

    /// <summary>Blocks in it.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes in it.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether it is in memory only.</summary>
    public bool IsBuffered => _writer is null;

    /// <summary>Whether somebody waits for a block that is in the file already.</summary>
    public bool IsAskedFor => Volatile.Read(ref _readers) > 0;

    /// <summary>The file.</summary>
    public string? Path { get; private set; }

    /// <summary>When it was last written, by the count of all writes. The lane's.</summary>
    public long LastUse { get; set; }

    /// <summary>Whether it was handed over to be ended. The lane's.</summary>
    public bool IsClosed { get; set; }

    /// <summary>A block in memory; null when it is in the file already.</summary>
    public byte[]? Buffered(uint block) => _buffered?[(int)(block - First)];

    /// <summary>The checksum of a block that counts.</summary>
    public uint ChecksumOf(uint block) => Volatile.Read(ref _checksums)[(int)(block - First)];

    /// <summary>Adds the next block.</summary>
    /// <exception cref="RocksDbException">The file could not be written: the part cannot be used any more.</exception>
    public void Append(in PieceHeader header, ReadOnlySpan<byte> piece)
    {
        if (Count == _checksums.Length)
        {
            var checksums = new uint[Count * 2];
            _checksums.CopyTo(checksums, 0);
            Volatile.Write(ref _checksums, checksums);
        }

        _checksums[Count] = header.Checksum;
        if (_writer is null)
        {
            var buffered = _buffered!;
            if (Count == buffered.Length)
            {
                buffered = new byte[Count * 2][];
                _buffered!.CopyTo(buffered, 0);
            }

            buffered[Count] = piece.ToArray();
            _buffered = buffered;
        }
        else
        {
            Put(First + (uint)Count, piece);
        }

        Count++;
        Bytes += piece.Length;
    }

    /// <summary>Goes on in a file.</summary>
    /// <exception cref="RocksDbException">The file could not be written.</exception>
    public void MoveToFile(string folder, ColumnFamilyOptions options)
    {
        Path = System.IO.Path.Combine(folder, $"{Number:x16}.sst");
        _writer = new SstFileWriter(options);
        _writer.Open(Path);
        for (var i = 0; i < Count; i++)
        {
            Put(First + (uint)i, _buffered![i]);
        }

        _buffered = null;
    }

    /// <summary>Ends the file, with the checksums of its blocks. It is on disk then.</summary>
    /// <exception cref="RocksDbException">The file could not be written.</exception>
    public void Finish()
    {
        Span<byte> key = stackalloc byte[StoreKeys.BlockBytes];
        var summary = new PartSummary();
        for (var i = 0; i < Count; i++)
        {
            summary.Add(First + (uint)i, _checksums[i]);
        }

        _writer!.Put(StoreKeys.Block(key, Chunk, Number, StoreKeys.Summary), summary.Encode());
        _writer.Finish();
        Dispose();
    }

    /// <summary>Closes the file, as far as it is.</summary>
    public void Dispose() => _writer?.Dispose();

    /// <summary>Gives up the file.</summary>
    public void Abandon()
    {
        if (_writer is null)
        {
            return;
        }

        Dispose();
        File.Delete(Path!);
    }

    /// <summary>A request that is done when the part is ended. The lane's.</summary>
    public void Await(LaneRequest request)
    {
        lock (_gate)
        {
            _waiting.Add(request);
        }
    }

    /// <summary>It is over: ingested and named by the chunk's row, or given up. The lane's.</summary>
    /// <returns>Who waited.</returns>
    public List<LaneRequest> End()
    {
        lock (_ended)
        {
            _isEnded = true;
            Monitor.PulseAll(_ended);
        }

        lock (_gate)
        {
            List<LaneRequest> waiting = [.. _waiting];
            _waiting.Clear();
            return waiting;
        }
    }

    /// <summary>Waits until it is over.</summary>
    /// <returns>False when the time is over first.</returns>
    public bool WaitUntilEnded(TimeSpan timeout)
    {
        Interlocked.Increment(ref _readers);
        try
        {
            var end = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
            lock (_ended)
            {
                while (!_isEnded)
                {
                    var left = end - Environment.TickCount64;
                    if (left <= 0 || !Monitor.Wait(_ended, (int)left))
                    {
                        return _isEnded;
                    }
                }
            }

            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _readers);
        }
    }

    private void Put(uint block, ReadOnlySpan<byte> piece)
    {
        Span<byte> key = stackalloc byte[StoreKeys.BlockBytes];
        _writer!.Put(StoreKeys.Block(key, Chunk, Number, block), piece);
    }
}
