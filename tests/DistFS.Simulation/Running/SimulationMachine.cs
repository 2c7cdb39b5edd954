namespace DistFS.Simulation;

/// <summary>Which state machine the members of a world run.</summary>
public enum SimulationMachine
{
    /// <summary>Registers and lists: small, so that the consensus under them does most of the work.</summary>
    Registers,

    /// <summary>The metadata of the file system, with chunk servers.</summary>
    Metadata,

    /// <summary>No members: chunk servers, writers and readers, with one leader after the other.</summary>
    Chunks,
}
