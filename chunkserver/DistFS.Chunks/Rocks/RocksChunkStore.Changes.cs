using DistFS.Primitives;

namespace DistFS.Chunks;

/// <content>Changes: checked and carried out by the lane.</content>
public sealed partial class RocksChunkStore
{
    /// <inheritdoc/>
    public ValueTask SetOwnerAsync(ClusterId cluster, ServerId server, CancellationToken cancellation) =>
        Change((_, _) =>
        {
            var identity = _folder.Identity;
            var isKnown = identity.Cluster != default || identity.Server != default;
            if (isKnown && (identity.Cluster != cluster || identity.Server != server))
            {
                throw new DistFsException(
                    ErrorCatalog.ChunkStoreForeign,
                    $"{_options.Folder} is of {identity.Server} in cluster {identity.Cluster}.");
            }

            _folder.Write(identity with { Cluster = cluster, Server = server });
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask CreateAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change((group, _) =>
        {
            if (_chunks.Find(chunk)?.Next is { } found)
            {
                CreateRule(found.Info, version);
                return;
            }

            RequireRoom();
            // Without its row nothing of it is here: so that it may be unclean need not be durable before.
            Set(group, chunk, new ChunkContent
            {
                Info = new ChunkInfo(chunk, version, 0, default, ChunkState.Serving, default, false),
                UnsyncedIn = Identity.Incarnation,
            });
            _unsynced.Add(_chunks.FindOrAdd(chunk));
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask WriteAsync(
        ChunkId chunk,
        ChunkVersion version,
        VerifiedPieces pieces,
        bool isDurable,
        CancellationToken cancellation)
    {
        // Once it is handed over it is not given up: the lane reads the pieces until it is done.
        cancellation.ThrowIfCancellationRequested();
        ThrowIfFailed();
        ChunkErrors.RequireOrder(chunk, pieces.Span);
        RequireRoom();
        return new ValueTask(_lane.Submit(new WriteRequest(this, chunk, version, pieces.Memory, isDurable)));
    }

    /// <inheritdoc/>
    public ValueTask TruncateAsync(
        ChunkId chunk, ChunkVersion version, uint length, bool isDurable, CancellationToken cancellation)
    {
        ChunkErrors.RequireLength(chunk, length);
        return Change((group, request) =>
        {
            var entry = FindWritable(chunk, version);
            _editor.SetLength(group, entry, length);
            End(group, entry, isDurable, request);
        }, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask PunchAsync(
        ChunkId chunk,
        ChunkVersion version,
        uint offset,
        uint length,
        bool isDurable,
        CancellationToken cancellation)
    {
        ChunkErrors.RequireLength(chunk, (ulong)offset + length);
        return Change((group, request) =>
        {
            var entry = FindWritable(chunk, version);
            _editor.Punch(group, entry, offset, length);
            End(group, entry, isDurable, request);
        }, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask SyncAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change((group, request) => _editor.MakeDurable(group, FindSound(chunk, version), request), cancellation);

    /// <inheritdoc/>
    public ValueTask SealAsync(ChunkId chunk, ChunkVersion version, CancellationToken cancellation) =>
        Change((group, request) =>
        {
            var entry = FindSound(chunk, version);
            _editor.MakeDurable(group, entry, request);
            entry.Next = entry.Next! with { Info = entry.Next.Info with { IsSealed = true } };
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask BeginVersionsAsync(
        ReadOnlyMemory<VersionFence> fences, Memory<FenceOutcome> outcomes, CancellationToken cancellation)
    {
        ChunkErrors.RequireOrders(fences.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(outcomes.Length, fences.Length, nameof(outcomes));
        foreach (var fence in fences.Span)
        {
            ChunkErrors.RequireLength(fence.Chunk, fence.Length);
        }

        VersionFence[] all = [.. fences.Span];
        return Change((group, _) =>
        {
            for (var i = 0; i < all.Length; i++)
            {
                outcomes.Span[i] = Begin(group, all[i]);
            }
        }, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask BeginCopyAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, bool keepsBlocks, CancellationToken cancellation) =>
        Change((group, _) =>
        {
            var info = new ChunkInfo(chunk, version, 0, copy, ChunkState.Copying, default, false);
            group.NeedsSync = true;
            if (_chunks.Find(chunk) is not { Next: { } found } entry)
            {
                RequireRoom();
                Set(group, chunk, new ChunkContent { Info = info });
                return;
            }

            if (ChunkErrors.Copyable(found.Info, version, copy) is { } refusal)
            {
                throw refusal;
            }

            group.Touch(entry);
            entry.IsRowDirty = true;
            var isSame = found.Info.State == ChunkState.Copying && found.Info.Copy == copy;
            if ((keepsBlocks || isSame) && !found.IsOverlayUnknown)
            {
                entry.Next = found with { Info = info with { Length = found.Info.Length }, UnsyncedIn = 0 };
                return;
            }

            _editor.RemoveBlocks(group, entry, 0, ChunkLayout.BlocksMax);
            entry.Next = entry.Next! with { Info = info, DurableLength = 0, IsOverlayUnknown = false, UnsyncedIn = 0 };
        }, cancellation);

    /// <inheritdoc/>
    public async ValueTask CompleteAsync(
        ChunkId chunk, ChunkVersion version, CopyId copy, uint length, CancellationToken cancellation)
    {
        ChunkErrors.RequireLength(chunk, length);

        // First its bytes are durable, and only then does the row say that it is whole.
        for (var isWhole = false; !isWhole;)
        {
            await Change((group, request) =>
            {
                var entry = FindSound(chunk, version);
                if (entry.Next!.Info.Copy != copy)
                {
                    throw ChunkErrors.Exists(entry.Next.Info);
                }

                if (entry.Next.Info.State == ChunkState.Copying)
                {
                    _editor.SetLength(group, entry, length);
                }

                _editor.MakeDurable(group, entry, request);
                isWhole = request.PartsLeft == 0;
                if (isWhole)
                {
                    entry.Next = entry.Next! with
                    {
                        Info = entry.Next.Info with { State = ChunkState.Serving },
                    };
                }
            }, cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask DropBlockAsync(
        ChunkId chunk, ChunkVersion version, BlockIndex block, CancellationToken cancellation)
    {
        ChunkErrors.RequireBlocks(chunk, block, 1);
        return Change((group, _) =>
        {
            var entry = FindWritable(chunk, version);
            if (entry.Next!.Info.State != ChunkState.Copying)
            {
                throw ChunkErrors.Exists(entry.Next.Info);
            }

            _editor.RemoveBlocks(group, entry, block.Value, block.Value + 1);
        }, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask MarkLostAsync(
        ChunkId chunk, ChunkVersion version, FsStatus status, CancellationToken cancellation) =>
        Change((group, _) =>
        {
            if (_chunks.Find(chunk) is { Next: { } found } entry && found.Info.Version == version
                && found.Info.State != ChunkState.Lost)
            {
                _editor.Lose(group, entry, status);
            }
        }, cancellation);

    /// <inheritdoc/>
    public ValueTask DeleteAsync(ReadOnlyMemory<ChunkDeletion> orders, CancellationToken cancellation)
    {
        ChunkErrors.RequireOrders(orders.Length);
        ChunkDeletion[] all = [.. orders.Span];
        return Change((group, _) =>
        {
            foreach (var order in all)
            {
                if (_chunks.Find(order.Chunk) is { Next: { } found } entry
                    && order.IsAbout(found.Info.Version, found.Info.Copy))
                {
                    _editor.Delete(group, entry);
                    group.AfterCommit.Add(() => _chunks.Forget(entry));
                }
            }
        }, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask SetScrubMarkAsync(ScrubMark mark, CancellationToken cancellation) =>
        Change((group, _) =>
        {
            group.Batch.Put(group.Engine.Own, ScrubKey, ScrubMarkCodec.Encode(mark));
            group.AfterCommit.Add(() => ScrubMark = mark);
        }, cancellation);

    private static void CreateRule(in ChunkInfo info, ChunkVersion version)
    {
        if (version.Value < info.Version.Value)
        {
            throw ChunkErrors.Version(info, version)!;
        }

        if (info.State == ChunkState.Lost && version == info.Version)
        {
            throw ChunkErrors.Lost(info);
        }

        if (version != info.Version || info.State != ChunkState.Serving || info.Copy.Value != 0)
        {
            throw ChunkErrors.Exists(info);
        }
    }

    private ValueTask Change(Action<LaneGroup, LaneRequest> action, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ThrowIfFailed();
        var task = _lane.Submit(new ActionRequest(action));
        return new ValueTask(cancellation.CanBeCanceled ? task.WaitAsync(cancellation) : task);
    }

    private FenceOutcome Begin(LaneGroup group, in VersionFence fence)
    {
        var entry = _chunks.Find(fence.Chunk);
        var outcome = FenceRule.Apply(fence, entry?.Next?.Info, out var info);
        if (outcome == FenceOutcome.Later)
        {
            return outcome;
        }

        group.NeedsSync = true;
        if (entry?.Next is not { } content)
        {
            Set(group, fence.Chunk, new ChunkContent { Info = info });
            return outcome;
        }

        group.Touch(entry);
        entry.IsRowDirty = true;
        if (content.Info.State == ChunkState.Lost)
        {
            // Nothing in it is trusted: a block that is cut goes as a whole, and is copied again.
            var from = ChunkLayout.BlockOf(info.Length).Value;
            _editor.RemoveBlocks(group, entry, from, info.Length < content.Info.Length ? ChunkLayout.BlocksMax : from);
            entry.Next = entry.Next! with
            {
                Info = info,
                DurableLength = Math.Min(entry.Next.DurableLength, info.Length),
            };
            return outcome;
        }

        try
        {
            if (info.Length != content.Info.Length)
            {
                _editor.SetLength(group, entry, info.Length);
            }

            // What an earlier run left is on the disk, whatever it is.
            var isClean = content.Info.IsUnclean && !info.IsUnclean;
            entry.Next = (entry.Next! with { Info = info, UnsyncedIn = isClean ? 0 : entry.Next.UnsyncedIn }).Synced();
            return outcome;
        }
        catch (DistFsException damage) when (damage.Code == ErrorCatalog.ChunkLost)
        {
            // Found while it was cut. The version begins all the same: older ones have to be refused.
            entry.Next = entry.Next! with
            {
                Info = info with { State = ChunkState.Lost, LostStatus = damage.Status },
            };
            return FenceOutcome.Lost;
        }
    }

    private void Set(LaneGroup group, ChunkId chunk, ChunkContent content)
    {
        var entry = _chunks.FindOrAdd(chunk);
        group.Touch(entry);
        entry.Next = content;
        entry.IsRowDirty = true;
    }

    /// <summary>A change of content is done: durable, if that was asked for.</summary>
    private void End(LaneGroup group, ChunkEntry entry, bool isDurable, LaneRequest request)
    {
        entry.WrittenMs = Volatile.Read(ref _nowMs);
        if (isDurable)
        {
            _editor.MakeDurable(group, entry, request);
        }
        else if (entry.Next! is { Info.State: ChunkState.Serving, UnsyncedIn: 0 } content)
        {
            // Before anybody is told that this is written: once for a chunk, until a sync.
            entry.Next = content with { UnsyncedIn = Identity.Incarnation };
            entry.IsRowDirty = true;
            group.NeedsSync = true;
            _unsynced.Add(entry);
        }

        if (entry.Next!.OverlayBytes >= _options.RewriteBytesMin)
        {
            _grown.Add(entry);
        }
    }

    private ChunkEntry FindWritable(ChunkId chunk, ChunkVersion version)
    {
        var (entry, next) = FindNext(chunk);
        return ChunkErrors.Writable(next.Info, version) is { } refusal ? throw refusal : entry;
    }

    /// <summary>In its version and not lost.</summary>
    private ChunkEntry FindSound(ChunkId chunk, ChunkVersion version)
    {
        var (entry, next) = FindNext(chunk);
        return ChunkErrors.Writable(next.Info with { IsSealed = false }, version) is { } refusal
            ? throw refusal
            : entry;
    }

    private (ChunkEntry Entry, ChunkContent Next) FindNext(ChunkId chunk) =>
        _chunks.Find(chunk) is { Next: { } next } entry ? (entry, next) : throw ChunkErrors.Unknown(chunk);

    private void RequireRoom()
    {
        if (Space is { IsFull: true } space)
        {
            throw new DistFsException(
                ErrorCatalog.ChunkStoreFull,
                $"{_options.Folder} has {new ByteSize(space.AvailableBytes)} free, and keeps "
                + $"{new ByteSize(space.ReserveBytes)} in reserve.");
        }
    }

    /// <summary>The most frequent change, without a closure.</summary>
    private sealed class WriteRequest(
        RocksChunkStore store, ChunkId chunk, ChunkVersion version, ReadOnlyMemory<byte> pieces, bool isDurable)
        : LaneRequest
    {
        public override void Execute(LaneGroup group)
        {
            var entry = store.FindWritable(chunk, version);
            store._editor.Write(group, entry, pieces, isDurable);
            store.End(group, entry, isDurable, this);
        }
    }
}
