using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <summary>How far a transfer is; counted from several threads at a time.</summary>
public sealed class TransferProgress
{
    private long _bytes;
    private long _files;
    private long _resumed;
    private long _kept;

    /// <summary>Bytes that were read and handed on.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Files that are done.</summary>
    public long Files => Interlocked.Read(ref _files);

    /// <summary>Bytes that there are, as far as it is known.</summary>
    public long BytesTotal { get; set; }

    /// <summary>Bytes of <see cref="Bytes"/> that an earlier run had transferred, and that were found right.</summary>
    public long Resumed => Interlocked.Read(ref _resumed);

    /// <summary>Files of which a part was kept, for another run to go on with.</summary>
    public long Kept => Interlocked.Read(ref _kept);

    internal void Resume(long bytes)
    {
        Interlocked.Add(ref _resumed, bytes);
        Add(bytes);
    }

    internal void Keep() => Interlocked.Increment(ref _kept);

    internal void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void Done() => Interlocked.Increment(ref _files);
}

/// <summary>How files are transferred.</summary>
public sealed record TransferOptions
{
    private readonly TransferPace? _pace;

    /// <summary>What is there is replaced; else that is an error (EEXIST).</summary>
    public bool Overwrites { get; init; }

    /// <summary>
    /// A file of more than 64 MiB of which an earlier run has transferred a part goes on behind that, and what is
    /// transferred when a run is interrupted is kept for the next one. Default: nothing of a file is kept.
    /// </summary>
    public bool Resumes { get; init; }

    /// <summary>Mode and time of change go with the file.</summary>
    public bool Preserves { get; init; }

    /// <summary>Files at a time. Default 32: small ones wait for round trips, not for the processor.</summary>
    public int FilesInFlight { get; init; } = 32;

    /// <summary>
    /// Gets what failed of a tree, each with its path; the rest is done all the same. Called from several threads at a
    /// time. Null: the first failure ends the transfer. An error that is not of one file
    /// (<see cref="DistFsErrors.IsOfOneFile"/>) ends it in any case.
    /// </summary>
    public Action<string, DistFsException>? Failed { get; init; }

    /// <summary>So many bytes in a second at most, all files together. Null: as many as there can be.</summary>
    public long? BytesPerSecondMax
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value ?? 1, 1);
            (field, _pace) = (value, value is { } max ? new TransferPace(max, TimeProvider.System) : null);
        }
    }

    /// <summary>Gets the progress.</summary>
    public TransferProgress Progress { get; init; } = new();

    /// <summary>Ends when so many bytes may be transferred.</summary>
    internal ValueTask PaceAsync(int bytes, CancellationToken cancellation) =>
        _pace?.WaitAsync(bytes, cancellation) ?? ValueTask.CompletedTask;

    /// <summary>Does one part of a tree; what fails of it is told, if that is wanted.</summary>
    internal async ValueTask TryAsync(string path, Func<Task> part)
    {
        try
        {
            await part().ConfigureAwait(false);
        }
        catch (DistFsException e) when (Failed != null && DistFsErrors.IsOfOneFile(e))
        {
            Failed(path, e);
        }
    }
}
