using DistFS.Client.Appends;
using DistFS.Primitives;

namespace DistFS.Client;

/// <summary>
/// Adds records to the end of a file that other clients, and mounts with O_APPEND, add to as well: each record stands
/// in one piece behind all that was added before, and none lies over another. Any thread; records that are added at
/// the same time are made durable together.
/// </summary>
/// <remarks>
/// The end of a file is known for certain only under a lease to write it, which clients that add take from each other.
/// A record whose client is killed while it is added may be there in part, as with any file system.
/// </remarks>
/// <example>
/// <code>
/// await using var log = await dfs.OpenAppendAsync("/logs/today");
/// var offset = await log.AppendAsync("started\n"u8.ToArray());
/// </code>
/// </example>
public sealed class DistFsAppender : IAsyncDisposable
{
    private readonly AppendBook _book;
    private readonly AppendFile _file;
    private int _isDisposed;

    internal DistFsAppender(AppendBook book, AppendFile file) => (_book, _file) = (book, file);

    /// <summary>As it was opened.</summary>
    public string Path => _file.Path;

    /// <summary>Its number.</summary>
    public InodeId Inode => _file.Inode;

    /// <summary>Adds a record; durable, and seen by everybody, when this ends well.</summary>
    /// <param name="record">Its bytes; not to be changed before this ends.</param>
    /// <param name="cancellation">Gives up, if it is not being written yet: then it is not added.</param>
    /// <returns>Where it begins, in bytes from the beginning of the file.</returns>
    /// <exception cref="DistFsException">
    /// It may have been added, or not. <see cref="ErrorCatalog.LeaseHeld"/>: it was not, since others write the file
    /// all the time.
    /// </exception>
    public Task<long> AppendAsync(ReadOnlyMemory<byte> record, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        return _file.AppendAsync(record, cancellation);
    }

    /// <summary>Closes it, when what is being added is.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            await _book.LeaveAsync(_file).ConfigureAwait(false);
        }
    }
}
