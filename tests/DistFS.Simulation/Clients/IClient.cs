namespace DistFS.Simulation;

/// <summary>Somebody outside of the cluster who asks it for things, in a closed loop.</summary>
public interface IClient
{
    /// <summary>Operations that it may still start.</summary>
    int Budget { get; set; }

    /// <summary>Whether it waits for nothing and starts nothing.</summary>
    bool IsDone { get; }

    /// <summary>Operations that were answered.</summary>
    int Done { get; }

    /// <summary>Starts the next operation after a pause, if there is one.</summary>
    void Think(double meanMicroseconds);

    /// <summary>An answer arrived.</summary>
    void Receive(ulong from, ClientReply reply);
}
