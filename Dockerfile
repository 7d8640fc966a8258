# The base is the one that metadata.yaml names. A machine that cannot pull it builds on another image with Python
# 3.10 to 3.13 and pip: docker build --build-arg BASE_IMAGE=…
ARG BASE_IMAGE=docker.io/airbyte/python-connector-base:4.1.1@sha256:a268b44c733ae699a60f5fbc06a324945dba98945c6e2ab7f8609f2f895b0d28

FROM ${BASE_IMAGE} AS build
WORKDIR /build

# A virtual environment of its own: nothing that the base has installed is imported.
RUN python -m venv --without-pip /opt/connector \
 && python -m venv --without-pip /build/tools

# The packages change seldom and the connector often: each is a layer of its own.
COPY integration_tests/image/requirements-build.lock requirements.lock ./
RUN python -m pip --python /build/tools/bin/python install --no-cache-dir --require-hashes --no-deps \
        --only-binary :all: -r requirements-build.lock \
 && python -m pip --python /opt/connector/bin/python install --no-cache-dir --require-hashes --no-deps \
        --only-binary :all: -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY source_sms_providers source_sms_providers
RUN /build/tools/bin/hatchling build --target wheel --directory dist \
 && python -m pip --python /opt/connector/bin/python install --no-cache-dir --no-deps --no-index \
        --root /build/installed dist/*.whl


FROM ${BASE_IMAGE}

LABEL io.airbyte.name="ghcr.io/your_organization/source-sms-providers" \
      io.airbyte.version="0.4.0" \
      org.opencontainers.image.title="source-sms-providers" \
      org.opencontainers.image.description="Airbyte source for the account data of SMS providers: seven.io and SMSFactor" \
      org.opencontainers.image.version="0.4.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/your_organization/source-sms-providers" \
      org.opencontainers.image.documentation="https://github.com/your_organization/source-sms-providers/blob/main/docs/integrations/sources/sms-providers.md"

COPY --from=build /opt/connector /opt/connector
COPY --from=build /build/installed /

# As a number: Kubernetes can prove of a number, and not of a name, that it is not root.
USER 1000
WORKDIR /airbyte

# What is installed, a registry entry learns by `pip freeze` in the image: the base's pip must look here.
ENV PIP_PYTHON="/opt/connector/bin/python"

# Airbyte's pods ignore ENTRYPOINT: they evaluate AIRBYTE_ENTRYPOINT in a shell, with another working directory.
ENV AIRBYTE_ENTRYPOINT="/opt/connector/bin/source-sms-providers"
ENTRYPOINT ["/opt/connector/bin/source-sms-providers"]
