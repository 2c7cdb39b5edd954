using DistFS.Metadata.Chunks;
using DistFS.Metadata.Ops;
using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Content;

/// <summary>
/// The content of one file while an operation changes it: its inode, the bytes in its metadata row, its places. What it
/// counts on the way (bytes stored, length, last place) goes into the inode at the end, with <see cref="Close"/>, which
/// charges the quota.
/// </summary>
/// <remarks>
/// Place 0 is the only one for which bytes in the metadata row may stand; a file that has them there has no chunk at
/// place 0, but at most a replacement that is being filled.
/// </remarks>
internal sealed class FileEdit
{
    private readonly MetadataContext _context;
    private readonly long _charged;
    private readonly bool _hasTrim;
    private readonly TrimRow _trim;
    private List<ChunkFence>? _fences;
    private byte[]? _inline;
    private bool _isInlineRead;

    private FileEdit(in MetadataContext context, InodeId id, in InodeRow inode)
    {
        _context = context;
        Id = id;
        Inode = inode;
        _charged = inode.Allocated;
        _hasTrim = inode.ChunkEnd > 0 && context.Tree.Chunks.TryGetTrim(id, out _trim);
    }

    public InodeId Id { get; }

    public InodeRow Inode { get; private set; }

    /// <summary>The bytes in the metadata row, at most as many as the file has; null if it has none.</summary>
    public byte[]? Inline
    {
        get
        {
            if (!_isInlineRead)
            {
                // Bytes in the metadata count as stored: a new file has none, and nobody need look.
                (_inline, _isInlineRead) = (_charged > 0 ? _context.Tree.Content(Id) : null, true);
            }

            return _inline;
        }
    }

    private ChunkTable Chunks => _context.Tree.Chunks;

    /// <summary>
    /// A regular file to be written by an open of the session, whose rights were asked for then (POSIX, open; EBADF if
    /// there is none), or, without one, by the rights of now. ESTALE: it has neither a name nor an open.
    /// </summary>
    public static FsStatus Open(in MetadataContext context, ulong inode, ulong? handle, out FileEdit file) =>
        Open(context, Access.Write, new InodeId(inode), handle, out file);

    /// <summary>Likewise, to do something to so many chunks; EINVAL: none, or too many.</summary>
    public static FsStatus Open(in MetadataContext context, ulong inode, ulong? handle, int chunks, out FileEdit file)
    {
        var status = Open(context, inode, handle, out file);
        return status == FsStatus.Ok && chunks is 0 or > ChunkLayout.NamedMax ? FsStatus.Invalid : status;
    }

    /// <summary>Likewise, for reading, as a file of which something is taken.</summary>
    public static FsStatus OpenForRead(in MetadataContext context, ulong inode, ulong? handle, out FileEdit file) =>
        Open(context, Access.Read, new InodeId(inode), handle, out file);

    /// <summary>A place that has a row and is not cut off.</summary>
    public bool TryGetPlace(ulong index, out MapRow place)
    {
        place = default;
        return index < Inode.ChunkEnd && Chunks.TryGetPlace(Id, index, out place)
            && !(_hasTrim && _trim.Covers(index, place));
    }

    /// <summary>
    /// The version of a chunk that a client names at a place of the file, or one that goes on from it
    /// (<see cref="ChunkRow.Continues"/>); ESTALE if it is another, or another chunk.
    /// </summary>
    public FsStatus Find(WrittenChunk named, bool orReplacement, out MapRow place, out ChunkRow chunk)
    {
        chunk = default;
        if (!TryGetPlace(named.Index, out place) || named.Chunk == 0)
        {
            return FsStatus.Stale;
        }

        var id = new ChunkId(named.Chunk);
        if (id != place.Chunk && !(orReplacement && id == place.Replacement))
        {
            return FsStatus.Stale;
        }

        chunk = Chunks.Get(id);
        return chunk.Continues(new ChunkVersion(named.Version)) ? FsStatus.Ok : FsStatus.Stale;
    }

    /// <summary>EDQUOT: a quota has no room for one more byte of the file.</summary>
    public FsStatus WhyFull() =>
        Domains.WhyFull(_context.Tree, Inode.Domain, 0, Inode.Allocated - _charged + 1);

    /// <summary>Bytes of a place that are the file's; zero where bytes stand in the metadata row.</summary>
    public uint LengthOf(in MapRow place) => Chunks.LengthOf(place);

    /// <summary>Writes the bytes in the metadata row; none is no row.</summary>
    public void SetInline(byte[] bytes)
    {
        Check.That(bytes.Length <= ChunkLayout.InlineBytesMax);
        var before = Inline?.Length ?? 0;
        if (bytes.Length > 0)
        {
            _context.Tree.PutContent(Id, bytes);
        }
        else if (before > 0)
        {
            _context.Tree.RemoveContent(Id);
        }

        _inline = bytes.Length > 0 ? bytes : null;
        Store(bytes.Length - before);
    }

    /// <summary>Writes a place, of which no other row is there.</summary>
    public void PutPlace(ulong index, in MapRow place)
    {
        Chunks.PutPlace(Id, index, place);
        Inode = Inode with { ChunkEnd = Math.Max(Inode.ChunkEnd, index + 1) };
    }

    /// <summary>A chunk that may have bytes already becomes that of a place that has none.</summary>
    public void PutFilled(ulong index, in MapRow place)
    {
        PutPlace(index, place);
        Store(LengthOf(place));
    }

    /// <summary>A new chunk for a place that has none, or as a replacement; false: there is no server for it.</summary>
    public bool TryCreate(out ChunkId id)
    {
        if (_context.Placements?.TryTake(_context.Tree.Servers, out var replicas, out var goal) is not true)
        {
            id = default;
            return false;
        }

        id = Chunks.Create(replicas, (byte)goal.Goal, _context.Index, goal.AnyRack);
        return true;
    }

    /// <summary>Changes the row of a chunk that this place alone names, and counts what that stores.</summary>
    public void PutChunk(in MapRow place, ChunkId id, in ChunkRow chunk)
    {
        if (id == place.Chunk)
        {
            Store(Math.Min(place.Limit, chunk.Length) - (long)LengthOf(place));
        }

        Chunks.Put(id, chunk);
    }

    /// <summary>
    /// An operation has begun a version of a chunk; if somebody was writing it, or still may, its servers have to know
    /// before the client is answered.
    /// </summary>
    public void Fence(ChunkId id, in ChunkRow before, in ChunkRow after)
    {
        if (before.State != ChunkState.Open && !before.IsUntold)
        {
            return;
        }

        (_fences ??= []).Add(ChunkFences.Of(id, after));
    }

    /// <summary>Releases a place, cut off or not.</summary>
    public void Drop(ulong index, in MapRow place) =>
        Store(-(long)Chunks.DropPlace(Id, index, place, _context.Index));

    /// <summary>Releases a place of which a row may be left: what was cut off, or a hole.</summary>
    public void DropCutOff(ulong index)
    {
        if (index < Inode.ChunkEnd && Chunks.TryGetPlace(Id, index, out var place))
        {
            Drop(index, place);
        }
    }

    /// <summary>What is being filled for a place is no longer what it should hold: releases it.</summary>
    public void Supersede(ulong index)
    {
        if (!TryGetPlace(index, out var place) || place.Replacement.Value == 0)
        {
            return;
        }

        Chunks.Release(place.Replacement, _context.Index);
        if (place.Chunk.Value == 0)
        {
            Chunks.RemovePlace(Id, index);
        }
        else
        {
            Chunks.PutPlace(Id, index, place with { Replacement = default });
        }
    }

    /// <summary>Nothing of a place from a byte of it on is the file's any more.</summary>
    public void Cut(ulong index, uint length)
    {
        Supersede(index);
        if (!TryGetPlace(index, out var place))
        {
            return;
        }

        var chunk = Chunks.Get(place.Chunk);
        var stays = Math.Min(length, LengthOf(place));
        if (chunk.References > 1)
        {
            Store(stays - (long)LengthOf(place));
            Chunks.PutPlace(Id, index, place with { Limit = stays });
            return;
        }

        // Also when nothing was committed there: what a writer has sent and not committed is cut off too.
        if (chunk.State == ChunkState.Open || stays < chunk.Length)
        {
            var after = Teeth.Has(PlantedBug.CutKeepsVersion)
                ? chunk with { Length = stays } : chunk.NextVersion(stays, _context.Index);
            Fence(place.Chunk, chunk, after);
            PutChunk(place, place.Chunk, after);
            Chunks.PutPlace(Id, index, MapRow.Of(place.Chunk));
        }
    }

    /// <summary>
    /// Releases all places from one on: at once, or if they are many by noting it. False: what another truncation left
    /// behind has to be released first.
    /// </summary>
    public bool TryCutFrom(ulong from)
    {
        if (from >= Inode.ChunkEnd)
        {
            return true;
        }

        var places = Chunks.Places(Id, from, Inode.ChunkEnd, ChunkLayout.StepMax + 1);
        if (places.Count <= ChunkLayout.StepMax)
        {
            foreach (var (index, place) in places)
            {
                Drop(index, place);
            }

            Inode = Inode with { ChunkEnd = from };
            if (_hasTrim && from <= _trim.From)
            {
                Chunks.RemoveTrim(Id);
            }

            return true;
        }

        if (_hasTrim && from > _trim.From)
        {
            return false;
        }

        Chunks.PutTrim(Id, new TrimRow(from, from, Chunks.Next));
        return true;
    }

    /// <summary>Whether something that was cut off stands at or behind a place still.</summary>
    public bool IsCutOffAfter(ulong end) => _hasTrim && end > _trim.From;

    /// <summary>The file is at least so long.</summary>
    public void Extend(long size) => Inode = Inode with { Size = Math.Max(Inode.Size, size) };

    /// <summary>The file has this length.</summary>
    public void Resize(long size) => Inode = Inode with { Size = size };

    /// <summary>
    /// Puts the inode, after nothing that a program can see has changed, and tells it. EDQUOT: the file stores more
    /// than before, and a quota has no room for that.
    /// </summary>
    public FsStatus Close(OperationReply reply)
    {
        var status = Domains.TryCharge(_context.Tree, Inode.Domain, 0, Inode.Allocated - _charged);
        if (status != FsStatus.Ok)
        {
            return status;
        }

        reply.Fences.Add(_fences ?? []);
        _context.Tree.Put(Id, Inode);
        return reply.Tell(_context, Id);
    }

    /// <summary>
    /// Puts the inode after its content was changed, at a time that a client names or at that of the entry.
    /// </summary>
    /// <remarks>
    /// A write by anybody but root takes away what lets the program run as another (Linux, file_remove_privs). A time
    /// that a client names is that of a buffered write: it is never later than the entry, and takes no later one back.
    /// </remarks>
    public FsStatus CloseWritten(OperationReply reply, WriteTime? time = null)
    {
        var (now, before) = (_context.Now, Inode.ModifyTime);
        var modified = now;
        if (time is { Nanoseconds: < FileTime.NanosecondsPerSecond })
        {
            modified = new FileTime(time.Seconds, time.Nanoseconds);
            modified = modified > now ? now : modified < before && before < now ? before : modified;
        }

        Inode = Inode with
        {
            Mode = _context.Caller.IsRoot ? Inode.Mode : SetAttributesOperation.WithoutSpecial(Inode.Mode),
            ModifyTime = modified,
            ChangeTime = now,
        };
        return Close(reply);
    }

    private static FsStatus Open(
        in MetadataContext context, Access access, InodeId id, ulong? handle, out FileEdit file)
    {
        file = null!;
        if (!context.Tree.TryGet(id, out var row))
        {
            return FsStatus.NotFound;
        }

        if (row.Kind != InodeKind.File)
        {
            return row.IsDirectory ? FsStatus.IsADirectory : FsStatus.Invalid;
        }

        // Its content is being released.
        if (row is { Links: 0, Opens: 0 })
        {
            return FsStatus.Stale;
        }

        if (handle is { } open)
        {
            if (!context.Tree.TryGetOpen(id, context.Client, open, out var opened) || (opened & access) == 0)
            {
                return FsStatus.BadHandle;
            }
        }
        else if (!context.May(access, id, row))
        {
            return FsStatus.AccessDenied;
        }

        file = new FileEdit(context, id, row);
        return FsStatus.Ok;
    }

    /// <summary>So many more bytes are stored for the file.</summary>
    private void Store(long bytes) => Inode = Inode with { Allocated = checked(Inode.Allocated + bytes) };
}
