using System.Collections.Immutable;
using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <summary>A chunk at a place of a file.</summary>
/// <param name="Target">In which version, and where.</param>
/// <param name="Length">Bytes of it that are the file's; what follows is zeros, or not known here yet.</param>
/// <param name="Goal">How many copies it is to have.</param>
internal sealed record MappedChunk(ChunkTarget Target, uint Length, uint Goal = 0);

/// <summary>Where the bytes of a file were, at one moment. Never changed.</summary>
/// <param name="Size">Of the file; negative: it was not asked.</param>
/// <param name="Inline">The first bytes of a small file, which stand in the metadata; empty for others.</param>
/// <param name="Chunks">Those that are known, by place.</param>
internal sealed record MapView(
    long Size, ReadOnlyMemory<byte> Inline, ImmutableDictionary<ulong, MappedChunk> Chunks)
{
    /// <summary>Nothing is known.</summary>
    public static MapView Unknown { get; } = new(-1, default, ImmutableDictionary<ulong, MappedChunk>.Empty);

    /// <summary>What is known of a place; null: nothing, or there is nothing.</summary>
    public MappedChunk? this[ulong index] => Chunks.GetValueOrDefault(index);
}

/// <summary>
/// Where the bytes of a file are, as far as it was asked: what is not here is asked for again, since another client may
/// have written it meanwhile. Any thread; who reads goes by one view to its end, whatever is forgotten beside him.
/// </summary>
internal sealed class FileMapping(FileContext context, InodeId inode, OpenHandleOf? open, string path)
{
    private readonly Lock _gate = new();
    private volatile MapView _view = MapView.Unknown;

    // Under the gate. Questions are counted, so that no answer takes the place of what was asked later, or of nothing,
    // when all was forgotten in between.
    private long _asked;
    private long _kept;

    /// <summary>As it is known now.</summary>
    public MapView View => _view;

    /// <summary>For messages.</summary>
    public string Path => path;

    /// <summary>Which file.</summary>
    public InodeId Inode => inode;

    /// <summary>Asks for the map from a place on: a page, of 64 GiB at least.</summary>
    /// <returns>With all that is there from that place on, as it was told.</returns>
    /// <exception cref="DistFsException">
    /// The file is not there any more, may not be read, or nobody answers.
    /// </exception>
    public async Task<MapView> LoadAsync(ulong from, bool refreshServers, CancellationToken cancellation) =>
        (await LoadPageAsync(from, refreshServers, cancellation).ConfigureAwait(false)).View;

    /// <summary>As <see cref="LoadAsync"/>, with where the next page begins; 0: there is none.</summary>
    public async Task<(MapView View, ulong Next)> LoadPageAsync(
        ulong from, bool refreshServers, CancellationToken cancellation)
    {
        long asked;
        lock (_gate)
        {
            asked = ++_asked;
        }

        var request = new GetFileMapRequest { Inode = inode.Value, FromIndex = from };
        if (open != null)
        {
            request.Handle = open.Handle;
        }

        var reply = await context.Channel.ReadAsync(
            new ReadOperation { GetFileMap = request }, open?.Session.Id.Value ?? context.Session(), cancellation)
            .ConfigureAwait(false);
        FileErrors.Ensure(reply.Status, path);
        var loaded = new List<KeyValuePair<ulong, MappedChunk>>(reply.Map.Chunks.Count);
        foreach (var info in reply.Map.Chunks)
        {
            var target = await TargetOfAsync(info, refreshServers && info.Index == from, cancellation)
                .ConfigureAwait(false);
            loaded.Add(new(info.Index, new MappedChunk(target, info.Length, info.Goal)));
        }

        lock (_gate)
        {
            var isNews = asked > _kept;
            var before = isNews ? _view : MapView.Unknown;
            var end = reply.Map.NextIndex == 0 ? ulong.MaxValue : reply.Map.NextIndex;
            var chunks = before.Chunks
                .RemoveRange(before.Chunks.Keys.Where(known => known >= from && known < end))
                .SetItems(loaded);
            var view = new MapView((long)reply.Map.Size, from == 0 ? reply.Map.Data.Memory : before.Inline, chunks);
            if (isNews)
            {
                (_view, _kept) = (view, asked);
            }

            return (view, reply.Map.NextIndex);
        }
    }

    /// <summary>A reader has come to another version of a place.</summary>
    public void Update(ulong index, MappedChunk before, ChunkTarget target)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_view[index], before))
            {
                _view = _view with { Chunks = _view.Chunks.SetItem(index, before with { Target = target }) };
            }
        }
    }

    /// <summary>What was known may be wrong: this client has changed the file.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            (_view, _kept) = (MapView.Unknown, _asked);
        }
    }

    /// <summary>A chunk as the metaservers told it, with the addresses of its servers.</summary>
    public async ValueTask<ChunkTarget> TargetOfAsync(
        ChunkInfo info, bool refresh, CancellationToken cancellation) => new(
            new ChunkId(info.Chunk),
            new ChunkVersion(info.Version),
            info.StoredLength,
            await context.Servers.FindAsync(info.Servers, refresh, cancellation).ConfigureAwait(false),
            info.KeepsBeyond,
            info.Sealed,
            new ChunkVersion(info.DecidedIn));

    /// <summary>The place of a byte, and where it is in its chunk.</summary>
    public static (ulong Index, uint Within) PlaceOf(long offset) =>
        ((ulong)(offset / ChunkLayout.ChunkBytes), (uint)(offset % ChunkLayout.ChunkBytes));
}
