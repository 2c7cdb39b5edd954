using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Client.Appends;

/// <summary>
/// The files to which a client adds, and the session whose leases make that safe: begun with the first of them. Any
/// thread.
/// </summary>
internal sealed class AppendBook(DistFsClientOptions options) : ILeaseHolder, IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _gate = new();

    // Under the gate; opened and left under the turn. Of one file there is one: leases are the session's, so its
    // appenders take turns here.
    private readonly Dictionary<InodeId, AppendFile> _files = [];
    private DistFsNodes? _nodes;

    /// <summary>A file to add to; is left with <see cref="LeaveAsync"/>.</summary>
    /// <exception cref="DistFsException">It may not be written, or nobody answers.</exception>
    public async Task<AppendFile> OpenAsync(InodeId inode, string path, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _nodes ??= await DistFsNodes.ConnectAsync(options, this, cancellation).ConfigureAwait(false);
            if (Find(inode) is { } known)
            {
                known.Users++;
                return known;
            }

            var open = await _nodes.OpenAsync(inode, cancellation).ConfigureAwait(false);
            var file = new AppendFile(_nodes, options, open, path) { Users = 1 };
            lock (_gate)
            {
                _files.Add(inode, file);
            }

            return file;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>One appender less.</summary>
    public async Task LeaveAsync(AppendFile file)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (--file.Users > 0)
            {
                return;
            }

            // In the book until it is closed: its lease may be recalled meanwhile.
            await file.DisposeAsync().ConfigureAwait(false);
            lock (_gate)
            {
                _files.Remove(file.Inode);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public Task GiveUpAsync(InodeId inode, LeaseMode keep) => Find(inode)?.GiveUpAsync() ?? Task.CompletedTask;

    /// <inheritdoc/>
    public void Lost(InodeId inode) => Find(inode)?.Lost();

    /// <inheritdoc/>
    public void AllLost()
    {
        AppendFile[] all;
        lock (_gate)
        {
            all = [.. _files.Values];
        }

        foreach (var file in all)
        {
            file.Lost();
        }
    }

    /// <summary>Ends the session; appenders that are open are closed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            AppendFile[] all;
            lock (_gate)
            {
                all = [.. _files.Values];
            }

            foreach (var file in all)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }

            if (_nodes != null)
            {
                await _nodes.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private AppendFile? Find(InodeId inode)
    {
        lock (_gate)
        {
            return _files.GetValueOrDefault(inode);
        }
    }
}
