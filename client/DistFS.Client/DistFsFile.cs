using DistFS.Client.Files;
using DistFS.Client.Names;
using DistFS.Client.Nodes;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client;

/// <summary>
/// An open file: read and written at any offset. Reads may run at the same time as each other; writes, flushes and
/// changes of the length come one after the other, and a read that begins after one of them ended sees it.
/// </summary>
/// <remarks>
/// What was written is durable when <see cref="FlushAsync"/> or <see cref="CloseAsync"/> has ended well. An error of a
/// write that was still under way is thrown by the next call.
/// </remarks>
/// <example>
/// <code>
/// await using var file = await dfs.OpenWriteAsync("/data/table");
/// await file.WriteAsync(4096, page);
/// await file.FlushAsync();                       // durable, and seen by everybody
/// var read = await file.ReadAsync(0, buffer);    // fewer than asked for: the end
/// </code>
/// </example>
public sealed class DistFsFile : IAsyncDisposable
{
    /// <summary>Who gives up does not wait for a leader that is not there.</summary>
    private static readonly TimeSpan AbandonLimit = TimeSpan.FromSeconds(2);

    private readonly FileContext _context;
    private readonly FileMapping _mapping;
    private readonly FileReader _reader;
    private readonly FileWriter? _writer;
    private readonly OpenHandleOf? _open;
    private readonly SemaphoreSlim _turn = new(1);

    // Under the turn, or by reads, which only look: written bytes that readers cannot see yet.
    private volatile bool _isUnflushed;
    private bool _isClosed;

    internal DistFsFile(
        FileContext context, FileMapping mapping, OpenHandleOf? open, FileWriter? writer, bool canRead)
    {
        (_context, _mapping, _open, _writer) = (context, mapping, open, writer);
        _reader = new FileReader(context, mapping);
        LengthWhenOpened = Math.Max(0, mapping.View.Size);
        CanRead = canRead;
    }

    /// <summary>As it was opened.</summary>
    public string Path => _mapping.Path;

    /// <summary>Its number.</summary>
    public InodeId Inode => _mapping.Inode;

    /// <summary>Whether it was opened for reading.</summary>
    public bool CanRead { get; }

    /// <summary>Whether it was opened for writing.</summary>
    public bool CanWrite => _writer != null;

    /// <summary>
    /// How long it was when it was opened, in bytes; costs nothing. <see cref="GetLengthAsync"/> asks how long it is.
    /// </summary>
    public long LengthWhenOpened { get; }

    /// <summary>Bytes stored for it, as the metaservers said last behind what was written; null: not yet.</summary>
    public long? StoredBytes => _writer?.StoredBytes;

    internal FileContext Context => _context;

    /// <summary>Reads bytes from an offset on, several requests at a time if it is much.</summary>
    /// <param name="offset">Where, in bytes.</param>
    /// <param name="destination">Gets the bytes; holes are zeros.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How many; fewer than asked for only at the end of the file, 0 behind it.</returns>
    /// <exception cref="DistFsException">They cannot be read; wrong bytes are never returned.</exception>
    public async ValueTask<int> ReadAsync(
        long offset, Memory<byte> destination, CancellationToken cancellation = default)
    {
        if (!CanRead)
        {
            throw FileErrors.Of(FsStatus.BadHandle, $"{Path}, which was opened for writing only");
        }

        if (_isUnflushed)
        {
            await FlushAsync(isDurable: false, cancellation).ConfigureAwait(false);
        }

        return await _reader.ReadAsync(offset, destination, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Writes bytes: returns when they are copied, and as many as may be on their way to the servers are.
    /// </summary>
    /// <param name="offset">Where, in bytes; behind the end the file grows, with zeros between.</param>
    /// <param name="content">The bytes; may be changed as soon as this returns.</param>
    /// <param name="cancellation">Gives up: a part of them may be written.</param>
    /// <exception cref="DistFsException">These or earlier ones cannot be written.</exception>
    public async ValueTask WriteAsync(
        long offset, ReadOnlyMemory<byte> content, CancellationToken cancellation = default)
    {
        var writer = Writer();
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _isUnflushed = true;
            await writer.WriteAsync(offset, content, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>All that was written is visible to everybody and, unless that is not wanted, durable (fsync).</summary>
    /// <param name="isDurable">On the disks of all servers of its chunks, and of a majority of the metaservers.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="DistFsException">Something of it is not.</exception>
    public Task FlushAsync(bool isDurable = true, CancellationToken cancellation = default) =>
        SendAsync(isDurable ? FlushKind.Durable : FlushKind.Visible, static () => null, cancellation);

    /// <summary>As for everybody; and something is done behind it at the metaservers.</summary>
    internal async Task SendAsync(FlushKind kind, Func<Operation?> then, CancellationToken cancellation)
    {
        if (_writer == null)
        {
            return;
        }

        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await _writer.FlushAsync(kind, then, cancellation).ConfigureAwait(false);
            _isUnflushed = false;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>How long it is, with what was written here.</summary>
    public async ValueTask<long> GetLengthAsync(CancellationToken cancellation = default)
    {
        var view = await _mapping.LoadAsync(0, refreshServers: false, cancellation).ConfigureAwait(false);
        return Math.Max(view.Size, _isUnflushed ? _writer?.End ?? 0 : 0);
    }

    /// <summary>Cuts it, or lets it grow by zeros.</summary>
    /// <exception cref="DistFsException">Refused, or an earlier write failed.</exception>
    public async Task SetLengthAsync(long length, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var writer = Writer();
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await writer.SetLengthAsync(length, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>This file as a stream, which begins at an offset; closing the stream closes the file.</summary>
    public DistFsStream AsStream(long position = 0) => new(this, position);

    /// <summary>Makes all that was written durable, and closes it.</summary>
    /// <param name="modifyTime">The file's time afterwards; null: when it was written.</param>
    /// <param name="cancellation">Gives up; then it is not known what is in the file.</param>
    /// <exception cref="DistFsException">Something of it is not durable; the file is closed all the same.</exception>
    public Task CloseAsync(FileTime? modifyTime = null, CancellationToken cancellation = default) =>
        EndAsync(() => modifyTime is { } time ? SetTime(time) : null, cancellation);

    /// <summary>As for everybody; and something is done behind it at the metaservers.</summary>
    internal async Task EndAsync(Func<Operation?> then, CancellationToken cancellation)
    {
        try
        {
            await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_writer != null)
        {
            // Nobody will come back to it: it must not go on by itself.
            await _writer.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        try
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            try
            {
                if (_writer != null)
                {
                    await _writer.CompleteAsync(then, cancellation).ConfigureAwait(false);
                    _isUnflushed = false;
                }
            }
            finally
            {
                // Also if the caller gave up: an open that stays keeps the file from being deleted.
                await ReleaseAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Gives up what was written and not flushed, and closes it.</summary>
    public async Task AbandonAsync(CancellationToken cancellation = default)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (!_isClosed)
            {
                _isClosed = true;
                if (_writer != null)
                {
                    await _writer.DisposeAsync().ConfigureAwait(false);
                }

                using var limit = new CancellationTokenSource(AbandonLimit, _context.Options.Clock);
                try
                {
                    await ReleaseAsync(limit.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is OperationCanceledException or DistFsException)
                {
                    // The open ends with the session. Whoever gives up has a reason of his own to tell.
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>As <see cref="CloseAsync"/>.</summary>
    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    private async Task ReleaseAsync(CancellationToken cancellation)
    {
        if (_open is { Session.IsEnded: false } open)
        {
            var release = new ReleaseRequest { Inode = Inode.Value, Handle = open.Handle };
            var reply = await WrittenPlace.OneAsync(_context, open, new Operation { Release = release }, cancellation)
                .ConfigureAwait(false);

            // EBADF: the session is a new one for the metaservers; then nothing is open.
            if (reply.Status is not (0 or (int)FsStatus.BadHandle))
            {
                throw FileErrors.Of((FsStatus)reply.Status, Path);
            }
        }
    }

    private Operation SetTime(FileTime time) => new()
    {
        SetAttributes = new SetAttributesRequest
        {
            Inode = Inode.Value,
            ModifyTime = new SetAttributesRequest.Types.NewTime
            {
                Time = new Time { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds },
            },
        },
    };

    private FileWriter Writer()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        return _writer ?? throw FileErrors.Of(FsStatus.BadHandle, $"{Path}, which was opened for reading only");
    }
}
