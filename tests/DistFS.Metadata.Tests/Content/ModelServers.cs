using DistFS.Metadata.Chunks;

namespace DistFS.Metadata.Tests.Content;

/// <summary>
/// Chunk servers as the state machine means them: copies with a version, which a server raises when it hears of a newer
/// one, dropping what is beyond the length with which that began. A chunk has 64 cells of one byte, each of which
/// stands for 1 MiB.
/// </summary>
internal sealed class ModelServers
{
    public const int Cells = 64;
    public const uint CellBytes = ChunkLayout.ChunkBytes / Cells;

    private readonly Dictionary<(uint Server, ulong Chunk), Copy> _copies = [];

    public IReadOnlyCollection<(uint Server, ulong Chunk)> Copies => _copies.Keys;

    /// <summary>Writes cells of one copy; false: it has seen a newer version.</summary>
    public bool Write(uint server, ChunkInfo chunk, int first, byte[] cells)
    {
        var copy = Meet(server, chunk);
        if (copy == null)
        {
            return false;
        }

        cells.CopyTo(copy.Bytes, first);
        return true;
    }

    /// <summary>The cells of one copy up to what the file has of it; null: it has seen a newer version.</summary>
    public byte[]? Read(uint server, ChunkInfo chunk) => Meet(server, chunk)?.Bytes[..(int)(chunk.Length / CellBytes)];

    /// <summary>Makes a copy of a copy.</summary>
    public void Clone(uint from, uint to, ChunkInfo chunk)
    {
        var bytes = (byte[])Meet(from, chunk)!.Bytes.Clone();
        _copies[(to, chunk.Chunk)] = new Copy { Version = chunk.Version, Bytes = bytes };
    }

    /// <summary>Deletes a copy that is in no newer version.</summary>
    public void Delete(uint server, ulong chunk, uint version)
    {
        if (_copies.TryGetValue((server, chunk), out var copy) && copy.Version <= version)
        {
            _copies.Remove((server, chunk));
        }
    }

    private Copy? Meet(uint server, ChunkInfo chunk)
    {
        if (!_copies.TryGetValue((server, chunk.Chunk), out var copy))
        {
            // A server that should have something and has nothing would have lost it.
            Assert.Equal(0u, chunk.StoredLength);
            copy = _copies[(server, chunk.Chunk)] = new Copy { Version = chunk.Version, Bytes = new byte[Cells] };
        }

        if (copy.Version < chunk.Version)
        {
            copy.Bytes.AsSpan((int)(chunk.StoredLength / CellBytes)).Clear();
            copy.Version = chunk.Version;
        }

        return copy.Version == chunk.Version ? copy : null;
    }

    private sealed class Copy
    {
        public uint Version { get; set; }

        public byte[] Bytes { get; init; } = [];
    }
}
