namespace DistFS.Client.Transfers;

/// <summary>How far a transfer is; counted from several threads at a time.</summary>
public sealed class TransferProgress
{
    private long _bytes;
    private long _files;

    /// <summary>Bytes that were read and handed on.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Files that are done.</summary>
    public long Files => Interlocked.Read(ref _files);

    /// <summary>Bytes that there are, as far as it is known.</summary>
    public long BytesTotal { get; set; }

    internal void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void Done() => Interlocked.Increment(ref _files);
}

/// <summary>How files are transferred.</summary>
public sealed record TransferOptions
{
    /// <summary>What is there is replaced; else that is an error (EEXIST).</summary>
    public bool Overwrites { get; init; }

    /// <summary>Mode and time of change go with the file.</summary>
    public bool Preserves { get; init; }

    /// <summary>Files at a time. Default 32: small ones wait for round trips, not for the processor.</summary>
    public int FilesInFlight { get; init; } = 32;

    /// <summary>Gets the progress.</summary>
    public TransferProgress Progress { get; init; } = new();
}
