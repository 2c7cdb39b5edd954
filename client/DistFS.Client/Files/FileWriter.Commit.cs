using System.Runtime.ExceptionServices;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <content>What chunk servers have acknowledged is committed: when somebody flushes, and every second.</content>
internal sealed partial class FileWriter
{
    /// <summary>
    /// What chunk servers have acknowledged becomes the file's; behind it, as a rule in the same request, what else is
    /// to be done.
    /// </summary>
    private async Task CommitAsync(
        IReadOnlyCollection<WrittenPlace> places, Func<IEnumerable<Operation>> then, CancellationToken cancellation)
    {
        await _committing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var written = places.Select(static place => (Place: place, Chunk: place.Written))
                .Where(static one => one.Chunk.Length > 0).ToList();
            if (written.Count > 0 && await TryCommitAsync(written, then(), cancellation).ConfigureAwait(false))
            {
                return;
            }

            await CommitEachAsync(written.Select(static one => one.Place), cancellation).ConfigureAwait(false);
            foreach (var operation in then())
            {
                Ensure(operation, await WrittenPlace
                    .OneAsync(_context, _open, operation, cancellation).ConfigureAwait(false));
            }
        }
        finally
        {
            _committing.Release();
        }
    }

    private Task CommitAsync(IReadOnlyCollection<WrittenPlace> places, CancellationToken cancellation) =>
        CommitAsync(places, static () => [], cancellation);

    /// <summary>All in one request; false: one of the chunks was refused, so all of it is to be done again.</summary>
    private async Task<bool> TryCommitAsync(
        List<(WrittenPlace Place, WrittenChunk Chunk)> written,
        IEnumerable<Operation> then,
        CancellationToken cancellation)
    {
        var commit = new CommitWriteRequest { Inode = _mapping.Inode.Value, Handle = _open.Handle };
        commit.Chunks.AddRange(written.Select(static one => one.Chunk));
        Operation[] operations = [new Operation { CommitWrite = commit }, .. then];
        var replies = await WrittenPlace.AllAsync(_context, _open, operations, cancellation).ConfigureAwait(false);
        if (replies[0].Status != 0)
        {
            return false;
        }

        foreach (var (place, chunk) in written)
        {
            Committed(place, chunk);
        }

        for (var i = 1; i < operations.Length; i++)
        {
            Ensure(operations[i], replies[i]);
        }

        return true;
    }

    private void Ensure(Operation operation, OperationReply reply)
    {
        // A seal is stale if somebody else has begun a version since: what was committed is the file's.
        if (reply.Status != 0 && !(reply.Status == (int)FsStatus.Stale && operation.SealChunks != null))
        {
            throw FileErrors.Of((FsStatus)reply.Status, _mapping.Path);
        }

        StoredBytes = (long?)reply.Attributes?.Allocated ?? StoredBytes;
    }

    private async Task CommitAsync(WrittenPlace place, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var written = place.Written;
            if (written.Length == 0)
            {
                return;
            }

            var commit = new CommitWriteRequest { Inode = _mapping.Inode.Value, Handle = _open.Handle };
            commit.Chunks.Add(written);
            var reply = await WrittenPlace
                .OneAsync(_context, _open, new Operation { CommitWrite = commit }, cancellation).ConfigureAwait(false);
            if (reply.Status == 0)
            {
                Committed(place, written);
                return;
            }

            // Stale: the writer has begun another version meanwhile, or somebody else has.
            if (reply.Status != (int)FsStatus.Stale || attempt == 5)
            {
                throw FileErrors.Of((FsStatus)reply.Status, _mapping.Path);
            }

            await place.Writer.FlushAsync(cancellation).ConfigureAwait(false);
            if (place.Written.Version == written.Version)
            {
                await place.Writer.RenewAsync(cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>What was gathered and not sent by whoever wrote it, since he does nothing more.</summary>
    private async Task SendLeftAsync()
    {
        if (_gathered.IsEmpty || !await _turn.WaitAsync(0, _stop.Token).ConfigureAwait(false))
        {
            return;
        }

        try
        {
            await DrainAsync(_stop.Token).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>One that is refused keeps no other from being committed.</summary>
    private async Task CommitEachAsync(IEnumerable<WrittenPlace> places, CancellationToken cancellation)
    {
        DistFsException? failure = null;
        foreach (var place in places)
        {
            try
            {
                await CommitAsync(place, cancellation).ConfigureAwait(false);
            }
            catch (DistFsException e)
            {
                failure ??= e;
            }
        }

        if (failure != null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>At the end, when not all could be made durable: what was acknowledged.</summary>
    private async Task TryCommitAllAsync(CancellationToken cancellation)
    {
        try
        {
            await CommitAsync(Open(), cancellation).ConfigureAwait(false);
        }
        catch (DistFsException)
        {
            // It is told of what came before.
        }
    }

    /// <summary>Unless another version was begun meanwhile, which may begin with less.</summary>
    private static void Committed(WrittenPlace place, WrittenChunk chunk) =>
        place.Committed = place.Writer.Target.Version.Value == chunk.Version ? chunk.Length : place.Committed;

    private async Task CommitLeftAsync()
    {
        await _committing.WaitAsync(_stop.Token).ConfigureAwait(false);
        try
        {
            // Those that are open now: one that was just sealed is not to be begun again.
            var left = Open().Where(static place => place.Written.Length > place.Committed);
            await CommitEachAsync(left, _stop.Token).ConfigureAwait(false);
        }
        finally
        {
            _committing.Release();
        }
    }

    private async Task KeepCommittedAsync()
    {
        using var timer = new PeriodicTimer(CommitInterval, _context.Options.Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    await SendLeftAsync().ConfigureAwait(false);
                    await CommitLeftAsync().ConfigureAwait(false);
                }
                catch (Exception) when (!_stop.IsCancellationRequested)
                {
                    // If it lasts, the next flush meets the same, and says it to somebody; if not, it goes on.
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The file is closed.
        }
    }
}
