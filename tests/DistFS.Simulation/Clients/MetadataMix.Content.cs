using DistFS.Metadata.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation;

/// <content>Content: chunks are asked for, written on their servers, committed, fenced, sealed, cut, shared.</content>
public sealed partial class MetadataMix
{
    private const int PlacesMax = 3;
    private const int WritesMax = 12;

    // Chunks that this client was given, as it knows them.
    private readonly List<(ulong Inode, ChunkInfo Chunk)> _writes = [];

    // Of files that this client has changed; others may have changed them since.
    private readonly Dictionary<ulong, ulong> _sizes = [];

    /// <summary>Writes bytes of a chunk on its servers; says which of them have them.</summary>
    public Func<ChunkInfo, uint, IReadOnlyList<uint>>? Write { get; init; }

    /// <summary>An operation was answered.</summary>
    public void Answered(Operation operation, OperationReply reply)
    {
        ArgumentNullException.ThrowIfNull(operation);
        ArgumentNullException.ThrowIfNull(reply);
        if (reply.Status != (int)FsStatus.Ok)
        {
            return;
        }

        if (operation.KindCase == Operation.KindOneofCase.Make)
        {
            places.Made(reply.Attributes);
        }

        if (reply.Attributes is { } attributes)
        {
            _sizes[attributes.Inode] = attributes.Size;
        }

        // What was committed can be sealed.
        foreach (var written in operation.CommitWrite?.Chunks ?? [])
        {
            foreach (var (_, known) in _writes.Where(write => write.Chunk.Chunk == written.Chunk))
            {
                known.Length = Math.Max(known.Length, written.Length);
            }
        }

        var inode = operation.KindCase switch
        {
            Operation.KindOneofCase.AllocateChunks => operation.AllocateChunks.Inode,
            Operation.KindOneofCase.NewVersion => operation.NewVersion.Inode,
            _ => 0UL,
        };
        foreach (var chunk in reply.Chunks)
        {
            Forget(chunk.Chunk);
            _writes.Add((inode, chunk));
            if (_writes.Count > WritesMax)
            {
                _writes.RemoveAt(0);
            }
        }
    }

    private void Forget(ulong chunk) => _writes.RemoveAll(write => write.Chunk.Chunk == chunk);

    private ulong AnyFile() => places.AnyFile(prng);

    private Operation OfContent()
    {
        var operation = new Operation { Caller = new Caller() };
        switch (prng.NextInt32(14))
        {
            case 0 or 1:
                operation.WriteInline = Inline(AnyFile());
                break;
            case 2:
                operation.SetSize = new SetSizeRequest { Inode = AnyFile(), Size = Offset() };
                break;
            case 3:
                operation.PunchRange = new PunchRangeRequest
                {
                    Inode = AnyFile(),
                    Offset = Offset(),
                    Length = 1 + Offset(),
                    Extend = prng.Chance(0.3),
                };
                break;
            case 4:
                // To the end of the first file, if this client knows where that is.
                var from = AnyFile();
                operation.ShareRange = new ShareRangeRequest
                {
                    FromInode = from,
                    ToInode = AnyFile(),
                    ToOffset = (ulong)prng.NextInt32(2) * ChunkLayout.ChunkBytes,
                    Length = prng.Chance(0.8) ? _sizes.GetValueOrDefault(from) : ChunkLayout.ChunkBytes,
                };
                break;
            case >= 5 and <= 10 when _writes.Count > 0:
                OfWritten(operation);
                break;
            default:
                operation.AllocateChunks = new AllocateChunksRequest
                {
                    Inode = AnyFile(),
                    Indices = { (ulong)prng.NextInt32(PlacesMax) },
                };
                break;
        }

        return operation;
    }

    /// <summary>What becomes of a chunk that this client writes.</summary>
    private void OfWritten(Operation operation)
    {
        var (inode, chunk) = _writes[prng.NextInt32(_writes.Count)];
        var written = new WrittenChunk
        {
            Index = chunk.Index,
            Chunk = chunk.Chunk,
            Version = chunk.Version,
            Length = Math.Max(chunk.Length, (uint)prng.NextInt32(1, 600)),
        };
        var have = Write?.Invoke(chunk, written.Length) ?? [.. chunk.Servers];
        if (have.Count < chunk.Servers.Count || prng.Chance(0.15))
        {
            // Fenced, without those that failed; what was written is told with it if somebody has it.
            written.Length = have.Count == 0 ? 0 : written.Length;
            operation.NewVersion = new NewVersionRequest { Inode = inode, Chunk = written };
            if (have.Count > 0 || prng.Chance(0.5))
            {
                // Of all of them too, which is refused: the last copy stays, whatever a client says.
                operation.NewVersion.Drop.AddRange(chunk.Servers.Except(have));
                if (operation.NewVersion.Drop.Count == 0 && have.Count > 1 && prng.Chance(0.5))
                {
                    operation.NewVersion.Drop.Add(chunk.Servers[^1]);
                }
            }
        }
        else if (chunk.Replacement)
        {
            operation.InstallChunk = new InstallChunkRequest { Inode = inode, Chunk = written };
        }
        else if (chunk.Length > 0 && prng.Chance(0.4))
        {
            operation.SealChunks = new SealChunksRequest { Inode = inode, Chunks = { written } };
        }
        else
        {
            operation.CommitWrite = new CommitWriteRequest { Inode = inode, Chunks = { written } };
        }
    }
}
