using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Metadata.Chunks;

/// <content>
/// Copies of servers that crashed while it was written to without a sync (docs/design/chain.md, "After a crash").
/// </content>
public readonly partial record struct ChunkRow
{
    /// <summary>In <see cref="UncleanBytes"/>: the copy is not unclean.</summary>
    public const uint Clean = uint.MaxValue;

    /// <summary>
    /// In <see cref="UncleanBytes"/>: the copy is the chunk, as all were unclean, and its server may not know that yet.
    /// </summary>
    public const uint Decided = uint.MaxValue - 1;

    /// <summary>
    /// In <see cref="UncleanBytes"/>: the copy is unclean, or there was none, and a version was begun for a writer
    /// since. What was acknowledged in it, durable or not, this copy never had, whatever comes to be there later.
    /// </summary>
    public const uint Passed = uint.MaxValue - 2;

    /// <summary>The server whose copy was decided to be the chunk, and which may not know that yet.</summary>
    public ServerId? DecidedServer
    {
        get
        {
            var place = UncleanBytes.Span.IndexOf(Decided);
            return place < 0 ? null : Replicas.Span[place];
        }
    }

    /// <summary>
    /// Its servers in the order of the chain, without those whose copies are unclean, or not there.
    /// </summary>
    public IEnumerable<ServerId> Chain
    {
        get
        {
            for (var i = 0; i < Replicas.Length; i++)
            {
                if ((Lacking >> i & 1) == 0 && (UncleanBytes.IsEmpty || UncleanBytes.Span[i] is Clean or Decided))
                {
                    yield return Replicas.Span[i];
                }
            }
        }
    }

    /// <summary>
    /// Whom clients ask: the chain; where that is empty, those who say themselves what is wrong with their copies. One
    /// that was passed over would not say so: it does not know.
    /// </summary>
    public IEnumerable<ServerId> Asked
    {
        get
        {
            var row = this;
            return Chain.Any() ? Chain
                : Replicas.ToArray().Where(server => row.UncleanBytesOf(server) != Passed) is var asked && asked.Any()
                    ? asked : Replicas.ToArray();
        }
    }

    /// <summary>Whether a server is to have a copy, and has one that counts for nothing.</summary>
    public bool IsUnclean(ServerId server) => UncleanBytesOf(server) < Decided;

    /// <summary>Whether a server is to have a copy, and has none that counts.</summary>
    public bool IsBad(ServerId server) => Lacks(server) || IsUnclean(server);

    /// <summary>The end of what the unclean copy of a server has; <see cref="Clean"/>, <see cref="Decided"/>.</summary>
    public uint UncleanBytesOf(ServerId server) =>
        !UncleanBytes.IsEmpty && Replicas.Span.IndexOf(server) is >= 0 and var place
            ? UncleanBytes.Span[place]
            : Clean;

    /// <summary>A server has told that its copy is unclean.</summary>
    public ChunkRow WithUnclean(ServerId server, uint bytes, LogIndex index) =>
        WithLack(server, lacks: false, index) with { UncleanBytes = UncleanWith(server, bytes) };

    /// <summary>
    /// With a server outside of its chain, whose copy counts for nothing until it is made as another's: others go on
    /// without it, and it is not known to have come to where they are.
    /// </summary>
    public ChunkRow OutOfChain(ServerId server) =>
        IsUnclean(server) ? this : this with { UncleanBytes = UncleanWith(server, 0) };

    /// <summary>With a server more, at the end of its chain.</summary>
    public ChunkRow WithServer(ServerId server, LogIndex index) => this with
    {
        Replicas = (ServerId[])[.. Replicas.Span, server],
        UncleanBytes = UncleanBytes.IsEmpty ? default : (uint[])[.. UncleanBytes.Span, Clean],
        ChangedAt = index,
    };

    /// <summary>The copy of a server counts.</summary>
    public ChunkRow WithWhole(ServerId server, LogIndex index) =>
        WithLack(server, lacks: false, index) with { UncleanBytes = UncleanWith(server, Clean) };

    /// <summary>A version begins for a writer: what is unclean now, or not there, has nothing of it.</summary>
    public ChunkRow WithPassed()
    {
        if (UncleanBytes.IsEmpty && Lacking == 0)
        {
            return this;
        }

        var all = new uint[Replicas.Length];
        all.AsSpan().Fill(Clean);
        UncleanBytes.CopyTo(all);
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = all[i] < Passed || (Lacking >> i & 1) != 0 ? Passed : all[i];
        }

        return this with { UncleanBytes = all };
    }

    /// <summary>Who was decided knows it, or is down.</summary>
    public ChunkRow WithDecisionTold() =>
        DecidedServer is { } server ? this with { UncleanBytes = UncleanWith(server, Clean) } : this;

    private static ReadOnlyMemory<uint> ReadUnclean(ReadOnlySpan<byte> row)
    {
        var bytes = new uint[row.Length / sizeof(uint)];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = BinaryPrimitives.ReadUInt32LittleEndian(row[(i * sizeof(uint))..]);
        }

        return bytes;
    }

    private ReadOnlyMemory<uint> UncleanWith(ServerId server, uint bytes)
    {
        var place = Replicas.Span.IndexOf(server);
        var all = new uint[Replicas.Length];
        all.AsSpan().Fill(Clean);
        UncleanBytes.CopyTo(all);
        all[place] = bytes;
        return Trimmed(all);
    }

    private ReadOnlyMemory<uint> UncleanWithout(int place) => UncleanBytes.IsEmpty
        ? default
        : Trimmed([.. UncleanBytes.Span[..place], .. UncleanBytes.Span[(place + 1)..]]);

    private static ReadOnlyMemory<uint> Trimmed(uint[] all) =>
        all.AsSpan().ContainsAnyExcept(Clean) ? all : default(ReadOnlyMemory<uint>);
}
