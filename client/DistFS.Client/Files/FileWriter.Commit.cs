using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <content>What chunk servers have acknowledged is committed: when somebody flushes, and every second.</content>
internal sealed partial class FileWriter
{
    /// <summary>What chunk servers have acknowledged becomes the file's.</summary>
    private async Task CommitAsync(IReadOnlyList<WrittenPlace> places, CancellationToken cancellation)
    {
        await _committing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            foreach (var place in places)
            {
                await CommitAsync(place, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            _committing.Release();
        }
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
                place.Committed = written.Length;
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

    private async Task KeepCommittedAsync()
    {
        using var timer = new PeriodicTimer(CommitInterval, _context.Options.Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    foreach (var place in Open().Where(static place => place.Written.Length > place.Committed))
                    {
                        await CommitAsync([place], _stop.Token).ConfigureAwait(false);
                    }
                }
                catch (DistFsException)
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
