"""The CSI driver: volumes of the pool in compute pods.

Three programs. On each node `node` answers the kubelet and binds directories into pods, and `client` holds the FUSE
processes, so that `node` can be replaced under running pods. `controller` makes and deletes directories for claims; it
talks to the API server as the hooks do, and runs from their image.
"""
